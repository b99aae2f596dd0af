/** Each bucket ends 1 % above the one before: what is read from it is at most that far off. */
const GROWTH = 1.01;
const SMALLEST_MS = 0.001;
const LARGEST_MS = 24 * 60 * 60 * 1000;
const BUCKETS = bucketOf(LARGEST_MS) + 1;

/** Durations in buckets: it takes the same memory after a day as after a second. */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #total = 0;
  #maxMs = 0;

  /** Adds a duration, in milliseconds. */
  record(durationMs: number): void {
    const bucket = Math.min(bucketOf(durationMs), BUCKETS - 1);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#total += 1;
    this.#maxMs = Math.max(this.#maxMs, durationMs);
  }

  /** The duration that `share` (0 to 1) of all stay within, in milliseconds; undefined where there is none. */
  quantileMs(share: number): number | undefined {
    if (this.#total === 0) return undefined;
    const rank = Math.max(1, Math.ceil(share * this.#total));
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= rank) return Math.min(SMALLEST_MS * GROWTH ** bucket, this.#maxMs);
    }
    return this.#maxMs;
  }
}

function bucketOf(durationMs: number): number {
  return Math.max(0, Math.ceil(Math.log(durationMs / SMALLEST_MS) / Math.log(GROWTH)));
}
