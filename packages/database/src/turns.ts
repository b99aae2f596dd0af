import { TooManyCalls } from './errors.js';

/** The callers whose latest turn is remembered. */
const MAX_CALLERS = 1_000;

/** The bounds of turns. */
export interface TurnOptions {
  /** The most calls that have a turn at once. */
  readonly maxRunning: number;
  /** The most calls that wait for a turn. */
  readonly maxWaiting: number;
  /** Timeout of that wait, in milliseconds; none by default. */
  readonly waitTimeoutMs?: number;
  /**
   * One call begins in so many rounds of the event loop; the others are for other work. For calls with large results. By default
   * any number begins in a round.
   */
  readonly rounds?: number;
}

/** Who calls, and until when. */
export interface Turn {
  /** Calls without a caller are those of one caller. */
  readonly caller?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Waiting {
  readonly caller: string;
  /** The number of the latest turn when the call came. It counts as the caller's latest turn if that isn't known. */
  readonly cameAfter: number;
  readonly begin: () => void;
  readonly refuse: (reason: TooManyCalls) => void;
}

/**
 * Lets so many calls run at once. Of those that wait, the next one is of the caller whose latest turn was the longest ago. So a
 * caller that always calls waits behind those who call now and then.
 *
 * A turn ends in the round of the event loop after its call, when the call's result has been passed on. With `rounds`, the results of
 * many calls don't keep the event loop from other work. An idle event loop makes three rounds in no time.
 */
export class Turns {
  readonly #options: TurnOptions;
  #running = 0;
  readonly #queue = new Set<Waiting>();
  /** The number of turns that have begun. */
  #begun = 0;
  /** The rounds until the next call may begin. */
  #roundsLeft = 0;
  /** The number of each caller's latest turn, the longest ago first. */
  readonly #latest = new Map<string, number>();

  constructor(options: TurnOptions) {
    this.#options = options;
  }

  /** @throws TooManyCalls if there is no room to wait, or no turn in time. */
  async run<T>(work: () => Promise<T>, { caller = '', signal }: Turn): Promise<T> {
    signal?.throwIfAborted();
    if (this.#roundsLeft === 0 && this.#running < this.#options.maxRunning) this.#begin(caller);
    else await this.#wait(caller, signal);
    try {
      return await work();
    } finally {
      setImmediate(() => {
        this.#running -= 1;
        this.#beginNext();
      });
    }
  }

  #begin(caller: string): void {
    this.#running += 1;
    this.#begun += 1;
    this.#latest.delete(caller);
    this.#latest.set(caller, this.#begun);
    for (const longestAgo of this.#latest.keys()) {
      if (this.#latest.size <= MAX_CALLERS) break;
      this.#latest.delete(longestAgo);
    }
    const { rounds = 0 } = this.#options;
    this.#roundsLeft = rounds;
    if (rounds > 0) this.#countRound();
  }

  #countRound(): void {
    setImmediate(() => {
      this.#roundsLeft -= 1;
      if (this.#roundsLeft > 0) this.#countRound();
      else this.#beginNext();
    });
  }

  #beginNext(): void {
    if (this.#roundsLeft > 0 || this.#running === this.#options.maxRunning) return;
    let next: Waiting | undefined;
    for (const waiting of this.#queue) {
      if (next === undefined || this.#latestOf(waiting) < this.#latestOf(next)) next = waiting;
    }
    next?.begin();
  }

  #latestOf({ caller, cameAfter }: Waiting): number {
    return this.#latest.get(caller) ?? cameAfter;
  }

  #wait(caller: string, signal: AbortSignal | undefined): Promise<void> {
    const { maxRunning, waitTimeoutMs } = this.#options;
    this.#makeRoom(caller);
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.#queue.delete(waiting);
      };
      const fail = (reason: unknown): void => {
        leave();
        reject(reason);
      };
      const onAbort = (): void => fail(signal?.reason);
      const onTimeout = (): void =>
        fail(new TooManyCalls(`${maxRunning} such calls ran for ${waitTimeoutMs} ms without a turn for this one`));
      const timer = waitTimeoutMs === undefined ? undefined : setTimeout(onTimeout, waitTimeoutMs);
      const waiting: Waiting = {
        caller,
        cameAfter: this.#begun,
        begin: () => {
          leave();
          this.#begin(caller);
          resolve();
        },
        refuse: fail,
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#queue.add(waiting);
    });
  }

  /**
   * If no place is free, the caller with the most places loses its last one.
   *
   * @throws TooManyCalls if `caller` has as many itself.
   */
  #makeRoom(caller: string): void {
    const { maxRunning, maxWaiting } = this.#options;
    // Those that only wait for a round of the event loop take no place.
    if (this.#running + this.#queue.size < maxRunning + maxWaiting) return;
    const counts = new Map([[caller, 0]]);
    for (const waiting of this.#queue) counts.set(waiting.caller, (counts.get(waiting.caller) ?? 0) + 1);
    const most = Math.max(...counts.values());
    const refusal = new TooManyCalls(`${maxRunning} such calls run, and ${maxWaiting} wait`);
    if (most <= (counts.get(caller) ?? 0) + 1) throw refusal;
    const withMost = [...this.#queue].filter((waiting) => counts.get(waiting.caller) === most);
    withMost.at(-1)?.refuse(refusal);
  }
}
