/** What a call weighs in the mean of those before it: the last 20 or so decide. */
const WEIGHT = 1 / 20;
const LEAST_MS = 0.01;

/**
 * How long calls usually take: a moving geometric mean, which for times, whose logarithms are spread evenly, is their
 * median. Some that take very long hardly move it.
 */
export class UsualTime {
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
