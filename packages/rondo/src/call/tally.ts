/** The result of one call. */
export interface CallResult {
  /** The status code's name. */
  readonly code: string;
  /** The id of the instance that served the call; undefined if none did. */
  readonly instance: string | undefined;
  /** The error message; undefined if the call succeeded. */
  readonly message: string | undefined;
}

/** Counts the results of calls. Its memory doesn't grow with their number. */
export class Tally {
  readonly #codes = new Map<string, number>();
  readonly #instances = new Map<string, number>();
  readonly #examples = new Map<string, string>();
  readonly #latencies = new Histogram();
  #calls = 0;

  add({ code, instance, message }: CallResult, latencyMs: number): void {
    this.#calls += 1;
    count(this.#codes, code);
    if (instance !== undefined) count(this.#instances, instance);
    if (message !== undefined && !this.#examples.has(code)) this.#examples.set(code, message);
    this.#latencies.record(latencyMs);
  }

  get calls(): number {
    return this.#calls;
  }

  get failed(): number {
    return this.#calls - (this.#codes.get('OK') ?? 0);
  }

  /** The number of calls by status code. */
  get codes(): Readonly<Record<string, number>> {
    return sorted(this.#codes);
  }

  /** The number of calls by instance, failed calls included. */
  get instances(): Readonly<Record<string, number>> {
    return sorted(this.#instances);
  }

  /** The message of the first failure of each code. */
  get examples(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#examples);
  }

  /** The median latency in milliseconds; null if there was no call. */
  get p50Ms(): number | null {
    return rounded(this.#latencies.quantileMs(0.5));
  }

  /** The 99th percentile of the latency in milliseconds; null if there was no call. */
  get p99Ms(): number | null {
    return rounded(this.#latencies.quantileMs(0.99));
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function sorted(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  const byName = new Intl.Collator('en', { numeric: true });
  return Object.fromEntries([...counts].sort(([a], [b]) => byName.compare(a, b)));
}

function rounded(durationMs: number | undefined): number | null {
  return durationMs === undefined ? null : Math.round(durationMs * 100) / 100;
}

/** Each bucket ends 1 % above the one before. So a quantile is at most 1 % off. */
const GROWTH = 1.01;
const SMALLEST_MS = 0.001;
const LARGEST_MS = 24 * 60 * 60 * 1000;
const BUCKETS = bucketOf(LARGEST_MS) + 1;

/** A histogram of durations with exponential buckets, in constant memory. */
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

  /** The quantile `share` (0 to 1) in milliseconds; undefined if no duration was recorded. */
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
