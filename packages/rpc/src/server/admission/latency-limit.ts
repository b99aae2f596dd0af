import type { Priority } from '../../contract/priority.js';

/** A window is at least this long and has at least this many calls. */
const WINDOW_MS = 50;
const WINDOW_CALLS = 8;
/** The excess over the usual duration that never counts as overload, because the machine may be busy. Milliseconds. */
const SLACK_MS = 25;
/** A queue may always have this many calls. */
const SLACK_CALLS = 4;
/** How fast the usual duration follows when calls take longer without a queue: the time constant, and the most a window. */
const DRIFT_MS = 60_000;
const MAX_DRIFT = 0.1;
/** The usual duration is known after this many windows in which as many calls begin as end. Until then it adapts fast. */
const WINDOWS_TO_LEARN = 20;
/** The least number of slow windows before the first such window, because at first more calls may begin than end. */
const WINDOWS_UNKNOWN = 4;
/** The highest factor by which a limit grows in one window. */
const GROWTH = 1.25;
const LEAST_LIMIT = 4;
const MAX_MICROS = 2 ** 31 - 1;
/** As long as fewer calls of all methods together are in flight, none is refused. */
const LEAST_CALLS = 20;
/** The time without a refusal after which a limit ends. Milliseconds. */
const CALM_MS = 500;
/** The number of calls in flight from which handlers count as stuck if none ends for a second. */
const STUCK_CALLS = 100;
const STUCK_MS = 1_000;
/**
 * The time without the end of a call after which the limit is given up, because the calls may be waiting for an
 * event. Milliseconds.
 */
const GIVE_UP_MS = 10_000;

/** When calls are slow, and how slow they may be. */
interface Tolerance {
  /** The multiple of the usual duration from which calls are slow. */
  readonly slow: number;
  /** The multiple of the usual duration that limited calls may take. */
  readonly aim: number;
  /** For how many windows in a row they have to be slow before they are limited. */
  readonly windows: number;
}

/** The unary calls of a server, whatever their methods. */
export interface CallsOfServer {
  inFlight: number;
  /** Those that aren't among them, because they wait for a lock, or for a database that is away. */
  aside: number;
  /** How many methods have a limit now. */
  limited: number;
}

/** No limit: a whole number, because V8 allocates for others, infinity among them, until it has compiled the code. */
export const NO_LIMIT = 2 ** 30;

/** What the calls of a window say. */
interface Window {
  /** How long they took, on average. */
  readonly meanMs: number;
  /** How long those that are in flight now will take if as many end a millisecond as in this window, by Little's law. */
  readonly aheadMs: number;
  /** How many were in flight, on average and at least. */
  readonly inFlight: number;
  readonly leastInFlight: number;
  readonly passedMs: number;
  /** Whether clearly more calls began than ended, and whether clearly fewer did. */
  readonly grows: boolean;
  readonly shrinks: boolean;
  /** Whether many of them weren't answered: their callers have given up. */
  readonly fails: boolean;
}

/** Methods of a lower priority give way first: their calls are limited sooner, and to fewer. */
const TOLERANCES: Readonly<Record<Exclude<Priority, 'critical'>, Tolerance>> = {
  low: { slow: 1.5, aim: 1, windows: 2 },
  normal: { slow: 2, aim: 1.1, windows: 2 },
  high: { slow: 4, aim: 2, windows: 10 },
};

/**
 * Limits the calls in flight of one unary method, if its calls queue: they take far longer than usual, and far more
 * than usual are in flight. The limit is then the number of calls that complete within the usual duration, and a
 * few more. Until then there is no limit, so that a burst is served.
 *
 * All state is numbers: a call costs a few additions and allocates nothing.
 *
 * Source: Little, "A Proof for the Queuing Formula L = λW", 1961; Nichols and Jacobson, "Controlling Queue Delay",
 * 2012; docs/adr/0060-admission.md
 */
export class LatencyLimit {
  readonly #tolerance: Tolerance;
  readonly #server: CallsOfServer;
  #inFlight = 0;
  #limit = NO_LIMIT;
  /** The duration of calls that don't queue; NaN until the first window has ended. */
  #usualMs = Number.NaN;
  /** How many are in flight then. */
  #usualCalls = 0;
  #learnt = 0;
  #slowWindows = 0;
  #refusedAt = Number.NEGATIVE_INFINITY;
  /** Since when as few calls are in flight as the limit says, and they are slow all the same. */
  #uselessSince = Number.NaN;
  // The current window.
  #since = Number.NaN;
  #begun = 0;
  #calls = 0;
  #failed = 0;
  #totalMicros = 0;
  #leastMicros = MAX_MICROS;
  /** The calls in flight, added up at the end of each call. */
  #totalInFlight = 0;
  #leastInFlight = 0;

  constructor(priority: Exclude<Priority, 'critical'>, server: CallsOfServer) {
    this.#tolerance = TOLERANCES[priority];
    this.#server = server;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** The most calls in flight; {@link NO_LIMIT} while the calls don't queue. */
  get limit(): number {
    return this.#limit;
  }

  /** How long a call usually takes, in milliseconds; NaN if it isn't known. */
  get usualMs(): number {
    return this.#usualMs;
  }

  admits(now: number): boolean {
    if (this.#inFlight < this.#limit || this.#server.inFlight < LEAST_CALLS) {
      if (this.#inFlight < STUCK_CALLS || this.#limit !== NO_LIMIT || !this.#isStuck(now)) return true;
      this.#begin(Math.max(LEAST_CALLS, this.#usualCalls * 2));
    } else if (now - this.#since > GIVE_UP_MS) {
      this.lift();
      this.#usualCalls = this.#inFlight;
      return true;
    }
    this.#refusedAt = now;
    return false;
  }

  begin(now: number): void {
    if (this.#inFlight === 0 && !(now - this.#since < STUCK_MS)) this.#since = now;
    this.#inFlight += 1;
    this.#begun += 1;
  }

  /**
   * @param micros how long the call took, in whole microseconds.
   * @param answered whether it was successful. A failure that took much less than the usual duration isn't counted.
   */
  end(micros: number, now: number, answered: boolean): void {
    const inFlight = this.#inFlight;
    this.#inFlight -= 1;
    if (this.#inFlight < this.#leastInFlight) this.#leastInFlight = this.#inFlight;
    if (!answered) {
      if (!(micros >= this.#usualMs * 500)) return;
      this.#failed += 1;
    }
    this.#calls += 1;
    this.#totalMicros += micros;
    this.#totalInFlight += inFlight;
    if (micros < this.#leastMicros) this.#leastMicros = micros;
    if (this.#calls >= WINDOW_CALLS && now - this.#since >= WINDOW_MS) this.#closeWindow(now);
  }

  /** A call that began says nothing of a queue here. A limit ends, as it helps no call that waits for something else. */
  setAside(): void {
    this.#inFlight -= 1;
    this.#begun -= 1;
    if (this.#inFlight < this.#leastInFlight) this.#leastInFlight = this.#inFlight;
    this.lift();
  }

  lift(): void {
    if (this.#limit !== NO_LIMIT) this.#server.limited -= 1;
    this.#limit = NO_LIMIT;
    this.#slowWindows = 0;
    this.#uselessSince = Number.NaN;
  }

  #begin(limit: number): void {
    this.#limit = limit;
    this.#server.limited += 1;
  }

  #isStuck(now: number): boolean {
    return now - this.#since > STUCK_MS + this.#usualMs * 2 && this.#inFlight > this.#usualCalls * 4;
  }

  #closeWindow(now: number): void {
    const meanMs = this.#totalMicros / this.#calls / 1_000;
    const inFlight = this.#totalInFlight / this.#calls;
    const leastInFlight = this.#leastInFlight;
    const leastMs = this.#leastMicros / 1_000;
    const passedMs = now - this.#since;
    const aheadMs = (this.#inFlight * passedMs) / this.#calls;
    this.#since = now;
    // Twice the standard deviation of that many calls at random.
    const chance = 2 * Math.sqrt(this.#calls);
    const grows = this.#begun > this.#calls + chance;
    const shrinks = this.#begun < this.#calls - chance;
    const fails = this.#failed > this.#calls / 10;
    this.#begun = 0;
    this.#calls = 0;
    this.#failed = 0;
    this.#totalMicros = 0;
    this.#totalInFlight = 0;
    this.#leastInFlight = this.#inFlight;
    this.#leastMicros = MAX_MICROS;
    if (Number.isNaN(this.#usualMs)) {
      // If the process starts under load, its first calls queue least.
      this.#usualMs = leastMs;
      this.#usualCalls = inFlight;
    } else if (this.#limit === NO_LIMIT) {
      this.#watch({ meanMs, aheadMs, inFlight, leastInFlight, passedMs, grows, shrinks, fails });
    } else {
      this.#adjust(meanMs, inFlight, now);
    }
  }

  #isSlow(meanMs: number): boolean {
    return meanMs > this.#usualMs * this.#tolerance.slow + SLACK_MS;
  }

  /** Without a limit: learns what is usual, and begins to limit if calls queue. */
  #watch({ meanMs, aheadMs, inFlight, leastInFlight, passedMs, grows, shrinks, fails }: Window): void {
    const unknown = this.#learnt === 0;
    // A queue that was empty meanwhile is a burst, however long its calls took.
    const tooMany = inFlight > this.#usualCalls * 2 + SLACK_CALLS && leastInFlight > this.#usualCalls;
    const slow = this.#isSlow(meanMs);
    // A call's wait reflects the queue when the call began. If the queue has grown since, later calls wait longer.
    const becomeSlow = grows && !unknown && this.#isSlow(aheadMs);
    const queues = tooMany && (slow || becomeSlow) && (unknown ? grows || fails : !shrinks);
    this.#slowWindows = queues ? this.#slowWindows + 1 : 0;
    // A burst that is over sooner is served.
    const enough = unknown ? WINDOWS_UNKNOWN : this.#tolerance.windows + (slow ? 0 : 1);
    if (this.#slowWindows >= Math.max(this.#tolerance.windows, enough)) {
      this.#begin(this.#fitting(meanMs, inFlight));
    } else if (!queues && !fails && this.#server.limited === 0) {
      const fast = !grows && this.#learnt < WINDOWS_TO_LEARN;
      if (fast) this.#learnt += 1;
      const drift = fast ? Math.max(MAX_DRIFT, 1 / this.#learnt) : Math.min(MAX_DRIFT, passedMs / DRIFT_MS);
      this.#usualMs += (meanMs - this.#usualMs) * (meanMs < this.#usualMs ? Math.max(MAX_DRIFT, drift) : drift);
      this.#usualCalls += (inFlight - this.#usualCalls) * drift;
    }
  }

  #adjust(meanMs: number, inFlight: number, now: number): void {
    if (now - this.#refusedAt > CALM_MS) {
      this.#usualCalls = Math.max(this.#usualCalls, inFlight);
      this.lift();
      return;
    }
    if (this.#isUseless(meanMs, inFlight, now)) {
      this.#usualMs = meanMs;
      this.lift();
      return;
    }
    const limit = this.#fitting(meanMs, inFlight);
    this.#limit = meanMs <= this.#aimMs ? Math.max(this.#limit, limit) : limit;
  }

  /**
   * If calls stay slow at the limit, they don't queue here. The work itself takes longer than before, for example
   * because of a database failover, and the new duration counts as usual from now on.
   */
  #isUseless(meanMs: number, inFlight: number, now: number): boolean {
    const fulfilled = inFlight <= this.#limit * 1.1 + 2 || this.#server.inFlight <= LEAST_CALLS;
    if (!fulfilled || !this.#isSlow(meanMs)) this.#uselessSince = Number.NaN;
    else if (Number.isNaN(this.#uselessSince)) this.#uselessSince = now;
    return now - this.#uselessSince > meanMs * 2;
  }

  get #aimMs(): number {
    return this.#usualMs * this.#tolerance.aim + 1;
  }

  /**
   * The limit by Little's law: the calls in flight divided by the ratio of their duration to the usual one. A few
   * more are allowed, so that the limit can grow and no worker idles.
   */
  #fitting(meanMs: number, inFlight: number): number {
    const fitting = inFlight * Math.min(GROWTH, this.#aimMs / meanMs);
    return Math.max(LEAST_LIMIT, fitting + Math.sqrt(inFlight) / 2);
  }
}
