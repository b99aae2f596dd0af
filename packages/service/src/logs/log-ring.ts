import type { ReadLogsRequest } from '@rondo/contracts/rondo/logs/v1/logs';
import { type Batch, Readers } from '../readers.js';

/** What a line takes besides its text. Bytes. */
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
  readonly #readers = new Readers<string>();
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
    this.#readers.add(text);
  }

  /** Yields the last lines that a filter lets through, and then those that come until the signal aborts, if it follows. */
  async *read(filter: ReadLogsRequest, signal: AbortSignal): AsyncGenerator<Batch<string>> {
    const most = filter.last <= 0 ? LAST.default : Math.min(filter.last, LAST.most);
    const fits = filterOf(filter);
    const kept = [...this.#lines].map(({ text }) => text);
    const first = kept.filter(fits).slice(-most);
    if (!filter.follow) yield { items: first, leftOut: 0 };
    else yield* this.#readers.follow({ first, most, signal }, (text) => (fits(text) ? text : undefined));
  }
}

function filterOf({ traceId, level, text: part }: ReadLogsRequest): (text: string) => boolean {
  const lowest = LEVELS.indexOf(level);
  const levelOf = (text: string) => LEVELS.indexOf(LEVEL.exec(text)?.[1] ?? '');
  return (text) => text.includes(traceId) && text.includes(part) && (lowest <= 0 || levelOf(text) >= lowest);
}
