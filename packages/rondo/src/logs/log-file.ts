import { type FileHandle, open, stat } from 'node:fs/promises';
import { unlessMissing } from '../workspace/errors.js';
import { type LogLine, toLogLine } from './log-line.js';

const PIECE_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/** Reads a log file that may grow, and that may be replaced by a new file of the same name. */
export class LogFile {
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
