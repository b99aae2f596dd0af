import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { didYouMean } from '@rondo/rpc/internal';
import { type Asking, pause } from '../deadline.js';
import { unlessMissing } from '../workspace/errors.js';
import { LogFile } from './log-file.js';
import type { LogLine } from './log-line.js';

/** Which logs to read, and how. */
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

/** The error for a name without a log. It lists the names there are. */
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
