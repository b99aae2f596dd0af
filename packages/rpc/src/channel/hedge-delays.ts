/** How many of the latest calls count. */
const WINDOW = 512;
/** The number of calls from which a method's durations count as known. */
const MIN_CALLS = 64;
/** The number of calls after which the quantile is computed again. */
const REFRESH_CALLS = 32;
const QUANTILE = 0.95;
/** A shorter wait would cost more than it gains. Milliseconds. */
const MIN_DELAY_MS = 1;

/** How long 95 % of a method's latest calls took. */
export class HedgeDelay {
  readonly #durations = new Float64Array(WINDOW);
  #calls = 0;
  #ms: number | undefined;

  /** Milliseconds; undefined until enough calls have been made. */
  get ms(): number | undefined {
    return this.#ms;
  }

  /** Notes a call's duration. If a hedge answered first, it is the time for which the call had waited for its first attempt. */
  note(elapsedMs: number): void {
    this.#durations[this.#calls % WINDOW] = elapsedMs;
    this.#calls += 1;
    if (this.#calls < MIN_CALLS || this.#calls % REFRESH_CALLS !== 0) return;
    const sorted = this.#durations.slice(0, Math.min(this.#calls, WINDOW)).sort();
    // Node's timers cut off parts of a millisecond, and most calls may end within one.
    this.#ms = Math.ceil(Math.max(MIN_DELAY_MS, sorted[Math.floor(sorted.length * QUANTILE)] ?? MIN_DELAY_MS));
  }
}

/** The delays of the methods of a service. */
export class HedgeDelays {
  readonly #byPath = new Map<string, HedgeDelay>();

  of(path: string): HedgeDelay {
    const known = this.#byPath.get(path);
    if (known !== undefined) return known;
    const delay = new HedgeDelay();
    this.#byPath.set(path, delay);
    return delay;
  }
}
