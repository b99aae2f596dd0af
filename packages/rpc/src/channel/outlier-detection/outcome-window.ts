/** How many calls there were, and how many of them failed by a fault of the server. */
export interface Tally {
  readonly calls: number;
  readonly faults: number;
}

/** How far back outcomes are remembered. Milliseconds. */
export const OUTLIER_WINDOW_MS = 10_000;
const SLOTS = 10;
const SLOT_MS = OUTLIER_WINDOW_MS / SLOTS;

/** Counts the calls of the last 10 s, a second at a time. */
export class OutcomeWindow implements Tally {
  calls = 0;
  faults = 0;
  readonly #calls = new Array<number>(SLOTS).fill(0);
  readonly #faults = new Array<number>(SLOTS).fill(0);
  #slot = Number.NEGATIVE_INFINITY;

  /** Counts a call that ended at `now`. */
  note(failed: boolean, now: number): void {
    this.roll(now);
    const index = this.#slot % SLOTS;
    this.#calls[index] = (this.#calls[index] ?? 0) + 1;
    this.calls += 1;
    if (!failed) return;
    this.#faults[index] = (this.#faults[index] ?? 0) + 1;
    this.faults += 1;
  }

  /** Forgets what is older than the window. */
  roll(now: number): void {
    const slot = Math.floor(now / SLOT_MS);
    if (slot <= this.#slot) return;
    if (slot - this.#slot >= SLOTS) this.clear();
    else for (let passed = this.#slot + 1; passed <= slot; passed += 1) this.#forget(passed % SLOTS);
    this.#slot = slot;
  }

  /** Forgets all of it. */
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

const ENOUGH_CALLS = 10;

/** How the calls of one candidate have gone of late. */
export class CandidateStats {
  readonly window = new OutcomeWindow();
  readonly time = new UsualTime();
  /** The faults since a call was answered. */
  run = 0;
  /** When it last answered. */
  answeredAt = Number.NEGATIVE_INFINITY;
  /** How many comparisons in a row found it slow. */
  slowFor = 0;
  #compared = 0;

  /** Notes an answer that says that it works, at `now`. */
  answered(now: number): void {
    this.window.note(false, now);
    this.run = 0;
    this.answeredAt = now;
  }

  /** Notes a fault, at `now`. */
  failed(now: number): void {
    this.window.note(true, now);
    this.run += 1;
  }

  /** Whether enough is known of its time, and of late, to compare it. */
  get comparable(): boolean {
    return this.time.count >= ENOUGH_CALLS && this.window.calls >= ENOUGH_CALLS;
  }

  /** Notes how it compares with its peers; without a call since the last time that is no news. */
  compare(slow: boolean): void {
    if (!slow) this.slowFor = 0;
    else if (this.time.count !== this.#compared) this.slowFor += 1;
    this.#compared = this.time.count;
  }

  /** Begins anew, as it does who takes calls again. */
  clear(): void {
    this.window.clear();
    this.time.clear();
    this.run = 0;
    this.slowFor = 0;
  }
}

/** What a call weighs in the mean of those before it: the last 20 or so decide. */
const WEIGHT = 1 / 20;
const LEAST_MS = 0.01;

/**
 * How long calls usually take: a moving geometric mean, which for times, whose logarithms are spread evenly, is their
 * median. Some that take very long hardly move it.
 */
class UsualTime {
  /** The calls that it knows. */
  count = 0;
  #log = 0;

  /** Notes that a call took `ms`. */
  note(ms: number): void {
    this.count += 1;
    this.#log += (Math.log(Math.max(ms, LEAST_MS)) - this.#log) * Math.max(WEIGHT, 1 / this.count);
  }

  /** Milliseconds; of no meaning while `count` is 0. */
  get ms(): number {
    return Math.exp(this.#log);
  }

  /** Forgets all of it. */
  clear(): void {
    this.count = 0;
    this.#log = 0;
  }
}

/** So many breaks of a connection inside the window are too many: a restart is one. */
export const TOO_MANY_BREAKS = 3;

/** When a connection broke of late. */
export class ConnectionFailures {
  #at: readonly number[] = [];

  /** Notes one at `now`. Gives whether that is one too many. */
  note(now: number): boolean {
    this.#at = [...this.#at, now].slice(-TOO_MANY_BREAKS);
    const [first = now] = this.#at;
    return this.#at.length === TOO_MANY_BREAKS && now - first <= OUTLIER_WINDOW_MS;
  }

  /** Forgets all of them. */
  clear(): void {
    this.#at = [];
  }
}
