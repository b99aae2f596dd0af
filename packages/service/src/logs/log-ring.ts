import type { ReadLogsRequest, ReadLogsResponse } from '@rondo/contracts/rondo/logs/v1/logs';

/** What a line takes beside its text. Bytes. */
const LINE_BYTES = 64;
const MAX_LINE = 8_192;
const LAST = { default: 100, most: 1_000 };
const WIDE = /[\u0100-\uffff]/;
const LEVEL = /^\{"level":"(\w+)"/;
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/** Keeps the last lines of a log, in a bounded part of the memory. */
export class LogRing {
  readonly #maxBytes: number;
  readonly #lines = new Set<{ readonly text: string; readonly bytes: number }>();
  readonly #readers = new Set<(text: string) => void>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(line: string): void {
    const text = line.trimEnd().slice(0, MAX_LINE);
    // The search also makes one flat text of the pieces that pino has joined.
    const bytes = LINE_BYTES + text.length * (WIDE.test(text) ? 2 : 1);
    this.#lines.add({ text, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#lines) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#lines.delete(oldest);
      this.#bytes -= oldest.bytes;
    }
    for (const read of this.#readers) read(text);
  }

  /** Yields the last lines that a filter lets through, and then those that come until the signal aborts, if it follows. */
  async *read(filter: ReadLogsRequest, signal: AbortSignal): AsyncGenerator<Omit<ReadLogsResponse, 'instanceId'>> {
    const most = filter.last <= 0 ? LAST.default : Math.min(filter.last, LAST.most);
    const fits = filterOf(filter);
    const kept = [...this.#lines].map(({ text }) => text);
    let lines = kept.filter(fits).slice(-most);
    let leftOut = 0;
    let wake: () => void = () => undefined;
    const read = (text: string) => {
      if (!fits(text)) return;
      if (lines.length < most) lines.push(text);
      else leftOut += 1;
      wake();
    };
    const onAbort = () => wake();
    signal.addEventListener('abort', onAbort, { once: true });
    if (filter.follow) this.#readers.add(read);
    try {
      do {
        const told = { lines, leftOut };
        [lines, leftOut] = [[], 0];
        yield told;
        while (filter.follow && lines.length === 0 && !signal.aborted) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } while (filter.follow && !signal.aborted);
    } finally {
      this.#readers.delete(read);
      signal.removeEventListener('abort', onAbort);
    }
  }
}

function filterOf({ traceId, level, text: part }: ReadLogsRequest): (text: string) => boolean {
  const lowest = LEVELS.indexOf(level);
  const levelOf = (text: string) => LEVELS.indexOf(LEVEL.exec(text)?.[1] ?? '');
  return (text) => text.includes(traceId) && text.includes(part) && (lowest <= 0 || levelOf(text) >= lowest);
}
