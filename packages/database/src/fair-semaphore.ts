import { TooManyCalls } from './errors.js';
import type { Pace } from './pace.js';

/** The callers whose latest turn is remembered. */
const MAX_CALLERS = 1_000;
/** A caller whose latest turn is longer ago than this, in milliseconds, calls now and then. */
const NOW_AND_THEN_MS = 500;

/** The bounds of a semaphore. */
export interface FairSemaphoreOptions {
  /** The most calls that have a turn at once. */
  readonly maxRunning: number;
  /** The most calls that wait for a turn. */
  readonly maxWaiting: number;
  /** Timeout of that wait, in milliseconds; none by default. */
  readonly waitTimeoutMs?: number;
  /**
   * The number of event loop rounds for each call that begins; the other rounds are for other work. For calls with
   * large results. By default any number begins in a round.
   */
  readonly rounds?: number;
  /** The pace for callers that call often. By default their calls begin at any time. */
  readonly pace?: Pace;
}

/** Who calls, and until when. */
export interface RunOptions<T = unknown> {
  /** Calls without a caller are those of one caller. */
  readonly caller?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Replaces the `waitTimeoutMs` of the semaphore. */
  readonly waitTimeoutMs?: number | undefined;
  /** Whether a result took little work, so that the pace needs no pause after it. By default none did. */
  readonly isShort?: (result: T) => boolean;
}

/** A turn's number, and when it began by `performance.now()`. */
interface Place {
  readonly turn: number;
  readonly at: number;
}

/** A call that has a turn, or wants one. */
interface Call {
  readonly caller: string;
  /** The latest turn when the call came, and the time. It counts as the caller's latest turn if that isn't known. */
  readonly came: Place;
  /** Its number in the pace, if it keeps that. */
  read?: number | undefined;
}

interface Waiting extends Call {
  readonly begin: () => void;
  readonly refuse: (reason: TooManyCalls) => void;
}

/**
 * Bounds the calls that run at once. The next waiting call is that of the caller whose latest turn was the longest ago, so a caller
 * that calls all the time waits behind callers with few calls.
 *
 * A turn ends in the round of the event loop after its call, when the call's result has been passed on. With `rounds`, the results
 * of many calls don't keep the event loop from other work; an idle event loop makes the rounds at once. With `pace`, frequent
 * callers can't fill the event loop either; callers with few calls don't wait for the pace.
 */
export class FairSemaphore {
  readonly #options: FairSemaphoreOptions;
  #running = 0;
  readonly #queue = new Set<Waiting>();
  /** The number of calls that have begun. */
  #begun = 0;
  /** Until the pace lets the next call begin. */
  #timer: NodeJS.Timeout | undefined;
  /** The rounds until the next call may begin. */
  #roundsLeft = 0;
  /** Each caller's latest turn, the longest ago first. */
  readonly #latest = new Map<string, Place>();

  constructor(options: FairSemaphoreOptions) {
    this.#options = options;
  }

  /** @throws TooManyCalls if there is no room to wait, or no turn in time. */
  async run<T>(work: () => Promise<T>, options: RunOptions<T>): Promise<T> {
    const { caller = '', signal, isShort } = options;
    signal?.throwIfAborted();
    const { pace } = this.#options;
    const call: Call = { caller, came: this.#now() };
    pace?.noteCall();
    try {
      if (this.#hasRoom && this.#queue.size === 0 && this.#pauseMs === 0) this.#begin(call);
      else await this.#wait(call, options);
    } catch (error) {
      pace?.noteEnd();
      throw error;
    }
    try {
      const result = await work();
      if (call.read !== undefined && isShort?.(result)) pace?.noteShort(call.read);
      return result;
    } finally {
      setImmediate(() => {
        this.#running -= 1;
        pace?.noteEnd();
        this.#beginNext();
      });
    }
  }

  get #hasRoom(): boolean {
    return this.#roundsLeft === 0 && this.#running < this.#options.maxRunning;
  }

  #begin(call: Call): void {
    const { caller } = call;
    if (!this.#callsNowAndThen(call)) call.read = this.#options.pace?.noteRead();
    this.#running += 1;
    this.#latest.delete(caller);
    this.#begun += 1;
    this.#latest.set(caller, this.#now());
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

  /** Begins calls while there is room. */
  #beginNext(): void {
    clearTimeout(this.#timer);
    while (this.#hasRoom) {
      const next = this.#longestAgo();
      if (next === undefined) break;
      next.begin();
    }
    if (this.#hasRoom && this.#queue.size > 0) this.#timer = setTimeout(() => this.#beginNext(), this.#pauseMs);
  }

  /** Of the calls that may begin, the one whose caller's latest turn was the longest ago. */
  #longestAgo(): Waiting | undefined {
    const isPause = this.#pauseMs > 0;
    let longestAgo: Waiting | undefined;
    for (const waiting of this.#queue) {
      if (isPause && !this.#callsNowAndThen(waiting)) continue;
      if (longestAgo === undefined || this.#latestOf(waiting).turn < this.#latestOf(longestAgo).turn)
        longestAgo = waiting;
    }
    return longestAgo;
  }

  get #pauseMs(): number {
    return this.#options.pace?.pauseMs ?? 0;
  }

  /** Whether the caller's latest turn was long ago when it called. */
  #callsNowAndThen(call: Call): boolean {
    return call.came.at - this.#latestOf(call).at > NOW_AND_THEN_MS;
  }

  #latestOf({ caller, came }: Call): Place {
    return this.#latest.get(caller) ?? came;
  }

  #now(): Place {
    return { turn: this.#begun, at: performance.now() };
  }

  #wait(
    call: Call,
    { signal, waitTimeoutMs = this.#options.waitTimeoutMs }: Pick<RunOptions, 'signal' | 'waitTimeoutMs'>,
  ) {
    const { maxRunning } = this.#options;
    this.#makeRoom(call.caller);
    return new Promise<void>((resolve, reject) => {
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
        ...call,
        begin: () => {
          leave();
          this.#begin(call);
          resolve();
        },
        refuse: fail,
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#queue.add(waiting);
      this.#beginNext();
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
