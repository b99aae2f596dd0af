import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { didYouMean } from '@rondo/rpc/internal';
import { type Asking, pause } from '../deadline.js';
import { unlessMissing } from '../workspace/errors.js';
import { type LogLine, toLogLine } from './log-line.js';

interface ReadLogsOptions extends Asking {
  readonly folder: string;
  /** An instance or a service; undefined for all. */
  readonly name: string | undefined;
  readonly follow: boolean;
}

/** How often followed files are read. Milliseconds. */
const POLL_MS = 200;

/** Yields the lines of logs by time. With `follow`, it goes on with new lines, also of instances that start later. */
export async function* readLogs({ folder, name, follow, clock, signal }: ReadLogsOptions): AsyncGenerator<LogLine> {
  const files = new Map<string, LogFile>();
  try {
    do {
      for (const instance of selectLogs(name, await listLogs(folder))) {
        if (!files.has(instance)) files.set(instance, new LogFile(path.join(folder, `${instance}${SUFFIX}`), instance));
      }
      yield* mergeByTime([...files.values()].map((file) => file.read()));
    } while (follow && (await pause(POLL_MS, { clock, signal })));
    for (const file of files.values()) yield* file.flush();
  } finally {
    for (const file of files.values()) await file.close();
  }
}

const SUFFIX = '.log';

/** The instances that have a log in `folder`, sorted by name; none if the folder doesn't exist. */
export async function listLogs(folder: string): Promise<readonly string[]> {
  const files = (await unlessMissing(readdir(folder))) ?? [];
  const byName = new Intl.Collator('en', { numeric: true });
  return files
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length))
    .sort(byName.compare);
}

/** The instances that `name` selects: the instance of that name, or all instances of the service of that name; else all. */
export function selectLogs(name: string | undefined, instances: readonly string[]): readonly string[] {
  if (name === undefined || instances.includes(name)) return name === undefined ? instances : [name];
  return instances.filter((instance) => serviceOf(instance) === name);
}

/** The names that {@link selectLogs} knows: those of the instances and of their services. */
export function logNames(instances: readonly string[]): readonly string[] {
  return [...new Set([...instances.map(serviceOf), ...instances])].sort();
}

export function unknownLog(name: string, instances: readonly string[]): Error {
  const names = logNames(instances);
  return new Error(`there is no log of "${name}".${didYouMean(name, names)} There are: ${names.join(', ')}`);
}

/** The service of an instance: the id without its suffix, `calculator` for `calculator-1`. */
function serviceOf(instance: string): string {
  return instance.replace(/-[^-]+$/, (suffix) => (/\d/.test(suffix) ? '' : suffix));
}

interface Head {
  readonly source: AsyncIterator<LogLine>;
  readonly line: LogLine;
}

/** Merges logs by time. It holds one line of each log. */
async function* mergeByTime(logs: readonly AsyncIterable<LogLine>[]): AsyncGenerator<LogLine> {
  const sources = logs.map((log) => log[Symbol.asyncIterator]());
  let heads: readonly Head[] = (await Promise.all(sources.map(next))).flat();
  while (heads.length > 0) {
    const earliest = heads.reduce((a, b) => (b.line.timeMs < a.line.timeMs ? b : a));
    yield earliest.line;
    const following = await next(earliest.source);
    heads = heads.flatMap((head) => (head === earliest ? following : [head]));
  }
}

async function next(source: AsyncIterator<LogLine>): Promise<readonly Head[]> {
  const step = await source.next();
  return step.done === true ? [] : [{ source, line: step.value }];
}

const PIECE_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/** Reads a log file that may grow, and that may be replaced by a new file of the same name. */
class LogFile {
  readonly #path: string;
  readonly #instance: string;
  #handle: FileHandle | undefined;
  #inode = 0;
  #position = 0;
  /** The start of a line whose end isn't written yet. */
  #rest: Buffer = Buffer.alloc(0);
  #timeMs = 0;

  constructor(path: string, instance: string) {
    this.#path = path;
    this.#instance = instance;
  }

  /** The lines that are new since the last read. If the file was replaced, the last lines of the old file come first. */
  async *read(): AsyncGenerator<LogLine> {
    yield* this.#readOpen();
    if (!(await this.#replaced())) return;
    // The old file may have grown since it was read.
    yield* this.#readOpen();
    yield* this.flush();
    await this.close();
    yield* this.#readOpen();
  }

  /** The last line, if it doesn't end in a newline. */
  *flush(): Generator<LogLine> {
    if (this.#rest.length === 0) return;
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    yield this.#toLine(rest);
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
    this.#position = 0;
  }

  async *#readOpen(): AsyncGenerator<LogLine> {
    const handle = this.#handle ?? (await this.#open());
    if (handle === undefined) return;
    const piece = Buffer.alloc(PIECE_BYTES);
    for (;;) {
      const { bytesRead } = await handle.read(piece, 0, PIECE_BYTES, this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      yield* this.#lines(piece.subarray(0, bytesRead));
    }
  }

  *#lines(piece: Buffer): Generator<LogLine> {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end !== -1; end = piece.indexOf(NEWLINE, start)) {
      const line = Buffer.concat([this.#rest, piece.subarray(start, end)]);
      this.#rest = Buffer.alloc(0);
      start = end + 1;
      if (line.length > 0) yield this.#toLine(line);
    }
    this.#rest = Buffer.concat([this.#rest, piece.subarray(start)]);
  }

  #toLine(bytes: Buffer): LogLine {
    const line = toLogLine(this.#instance, bytes.toString().replace(/\r$/, ''), this.#timeMs);
    this.#timeMs = line.timeMs;
    return line;
  }

  async #open(): Promise<FileHandle | undefined> {
    const handle = await unlessMissing(open(this.#path));
    if (handle === undefined) return undefined;
    this.#handle = handle;
    this.#inode = (await handle.stat()).ino;
    return handle;
  }

  /** Whether the path now names another file, or the file was truncated. */
  async #replaced(): Promise<boolean> {
    const now = await unlessMissing(stat(this.#path));
    return now !== undefined && (now.ino !== this.#inode || now.size < this.#position);
  }
}
