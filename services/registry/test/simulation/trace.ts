import type { Clock } from '@rondo/rpc/clock';

/** How many events the message of a violation shows. */
const SHOWN = 25;

/** What happened, for whoever has to understand a violation: the last events, or all of them. */
export class Trace {
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #print: ((line: string) => void) | undefined;
  readonly #last: string[] = [];

  /** @param print is told every event as it happens. */
  constructor(clock: Clock, print?: (line: string) => void) {
    this.#clock = clock;
    this.#startMs = clock.now();
    this.#print = print;
  }

  /** Virtual time since the start, in milliseconds. */
  get atMs(): number {
    return this.#clock.now() - this.#startMs;
  }

  note(node: string, event: string): void {
    const line = `${(this.atMs / 1000).toFixed(3).padStart(8)} s  ${node.padEnd(12)} ${event}`;
    this.#print?.(line);
    this.#last.push(line);
    if (this.#last.length > SHOWN) this.#last.shift();
  }

  /** The last events, a line each. */
  toString(): string {
    return this.#last.join('\n');
  }
}
