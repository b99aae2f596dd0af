/** A number of calls, and how many of them failed through the server's fault. */
export interface CallCounts {
  readonly calls: number;
  readonly faults: number;
}

/** How long outcomes count. Milliseconds. */
export const OUTLIER_WINDOW_MS = 10_000;
const SLOTS = 10;
const SLOT_MS = OUTLIER_WINDOW_MS / SLOTS;

/** Counts the calls of the last 10 s in slots of one second. */
export class OutcomeWindow implements CallCounts {
  calls = 0;
  faults = 0;
  readonly #calls = new Array<number>(SLOTS).fill(0);
  readonly #faults = new Array<number>(SLOTS).fill(0);
  #slot = Number.NEGATIVE_INFINITY;

  /** Counts a call that ended at `now`. */
  note(failed: boolean, now: number): void {
    this.advance(now);
    const index = this.#slot % SLOTS;
    this.#calls[index] = (this.#calls[index] ?? 0) + 1;
    this.calls += 1;
    if (!failed) return;
    this.#faults[index] = (this.#faults[index] ?? 0) + 1;
    this.faults += 1;
  }

  /** Drops the slots that are older than the window. */
  advance(now: number): void {
    const slot = Math.floor(now / SLOT_MS);
    if (slot <= this.#slot) return;
    if (slot - this.#slot >= SLOTS) this.clear();
    else for (let passed = this.#slot + 1; passed <= slot; passed += 1) this.#forget(passed % SLOTS);
    this.#slot = slot;
  }

  clear(): void {
    this.calls = 0;
    this.faults = 0;
    this.#calls.fill(0);
    this.#faults.fill(0);
  }

  #forget(index: number): void {
    this.calls -= this.#calls[index] ?? 0;
    this.faults -= this.#faults[index] ?? 0;
    this.#calls[index] = 0;
    this.#faults[index] = 0;
  }
}

/** How many calls a latency comparison needs. */
const MIN_COMPARED_CALLS = 10;

/** The recent outcomes and latency of one candidate's calls. */
export class CandidateStats {
  readonly window = new OutcomeWindow();
  readonly latency = new Latency();
  consecutiveFaults = 0;
  /** When the last answer came, by the channel's clock. */
  answeredAt = Number.NEGATIVE_INFINITY;
  /** How many comparisons in a row found the candidate slow. */
  slowSweeps = 0;
  #compared = 0;

  onSuccess(now: number): void {
    this.window.note(false, now);
    this.consecutiveFaults = 0;
    this.answeredAt = now;
  }

  onFault(now: number): void {
    this.window.note(true, now);
    this.consecutiveFaults += 1;
  }

  /** Whether there are enough recent calls to compare the latency. */
  get comparable(): boolean {
    return this.latency.count >= MIN_COMPARED_CALLS && this.window.calls >= MIN_COMPARED_CALLS;
  }

  /** Counts a comparison with the peers. A comparison without a new call does not count. */
  onCompared(slow: boolean): void {
    if (!slow) this.slowSweeps = 0;
    else if (this.latency.count !== this.#compared) this.slowSweeps += 1;
    this.#compared = this.latency.count;
  }

  /** Forgets everything, for a candidate that takes calls again. */
  clear(): void {
    this.window.clear();
    this.latency.clear();
    this.consecutiveFaults = 0;
    this.slowSweeps = 0;
  }
}

/** The weight of one call in the mean: about the last 20 calls decide. */
const WEIGHT = 1 / 20;
const LEAST_MS = 0.01;

/**
 * The usual latency: an exponentially weighted geometric mean. For latencies, which are about log-normal, it estimates the
 * median, so a few very slow calls hardly move it.
 */
class Latency {
  /** The number of calls counted. */
  count = 0;
  #log = 0;

  /** Counts a call that took `ms` milliseconds. */
  note(ms: number): void {
    this.count += 1;
    this.#log += (Math.log(Math.max(ms, LEAST_MS)) - this.#log) * Math.max(WEIGHT, 1 / this.count);
  }

  /** The usual latency in milliseconds; meaningless while `count` is 0. */
  get ms(): number {
    return Math.exp(this.#log);
  }

  clear(): void {
    this.count = 0;
    this.#log = 0;
  }
}

/** How many lost connections within the window eject an instance. A restart loses one. */
export const MAX_LOST_CONNECTIONS = 3;

/** The times of an instance's recent lost connections. */
export class ConnectionFailures {
  #at: readonly number[] = [];

  /** Counts one at `now`. Returns whether that is too many within {@link OUTLIER_WINDOW_MS}. */
  note(now: number): boolean {
    this.#at = [...this.#at, now].slice(-MAX_LOST_CONNECTIONS);
    const [first = now] = this.#at;
    return this.#at.length === MAX_LOST_CONNECTIONS && now - first <= OUTLIER_WINDOW_MS;
  }

  clear(): void {
    this.#at = [];
  }
}
