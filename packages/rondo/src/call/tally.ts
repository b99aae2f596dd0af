import { createHistogram } from 'node:perf_hooks';

export interface CallResult {
  readonly code: string;
  /** The id of the instance that served the call; undefined if none did. */
  readonly instance: string | undefined;
  readonly message: string | undefined;
}

/** Counts the results of calls. Its memory doesn't grow with their number. */
export class Tally {
  readonly #codes = new Map<string, number>();
  readonly #instances = new Map<string, number>();
  readonly #examples = new Map<string, string>();
  /** Microseconds, to three digits. */
  readonly #latencies = createHistogram();
  #calls = 0;

  add({ code, instance, message }: CallResult, latencyMs: number): void {
    this.#calls += 1;
    count(this.#codes, code);
    if (instance !== undefined) count(this.#instances, instance);
    if (message !== undefined && !this.#examples.has(code)) this.#examples.set(code, message);
    this.#latencies.record(Math.max(1, Math.round(latencyMs * 1_000)));
  }

  get calls(): number {
    return this.#calls;
  }

  get failed(): number {
    return this.#calls - (this.#codes.get('OK') ?? 0);
  }

  get codes(): Readonly<Record<string, number>> {
    return sorted(this.#codes);
  }

  /** The number of calls by instance, failed calls included. */
  get instances(): Readonly<Record<string, number>> {
    return sorted(this.#instances);
  }

  get examples(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#examples);
  }

  /** The shortest latency in milliseconds; 0 if there was no call. */
  get leastMs(): number {
    return this.#calls === 0 ? 0 : this.#latencies.min / 1_000;
  }

  /** The median latency in milliseconds; null if there was no call. */
  get p50Ms(): number | null {
    return this.#percentileMs(50);
  }

  /** The 99th percentile of the latency in milliseconds; null if there was no call. */
  get p99Ms(): number | null {
    return this.#percentileMs(99);
  }

  #percentileMs(percent: number): number | null {
    return this.#calls === 0 ? null : Math.round(this.#latencies.percentile(percent) / 10) / 100;
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function sorted(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  const byName = new Intl.Collator('en', { numeric: true });
  return Object.fromEntries([...counts].sort(([a], [b]) => byName.compare(a, b)));
}
