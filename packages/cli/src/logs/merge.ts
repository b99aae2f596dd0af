import type { LogLine } from './log-line.js';

interface Head {
  readonly source: AsyncIterator<LogLine>;
  readonly line: LogLine;
}

/** Lines of several logs in the order of their times; of each log one is held at a time. */
export async function* mergeByTime(logs: readonly AsyncIterable<LogLine>[]): AsyncGenerator<LogLine> {
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
