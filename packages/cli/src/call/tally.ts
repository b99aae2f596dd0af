import { Histogram } from './histogram.js';

/** How one call ended. */
export interface Outcome {
  /** The status code's name. */
  readonly code: string;
  /** The instance that says it served the call; undefined where none did. */
  readonly instance: string | undefined;
  /** What went wrong; undefined where nothing did. */
  readonly message: string | undefined;
}

/** What many calls came to, in memory that doesn't grow with their number. */
export class Tally {
  readonly #codes = new Map<string, number>();
  readonly #instances = new Map<string, number>();
  readonly #examples = new Map<string, string>();
  readonly #latencies = new Histogram();
  #calls = 0;

  add({ code, instance, message }: Outcome, latencyMs: number): void {
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

  /** How often each code came, by name. */
  get codes(): Readonly<Record<string, number>> {
    return sorted(this.#codes);
  }

  /** How many calls each instance served, failed ones included. */
  get instances(): Readonly<Record<string, number>> {
    return sorted(this.#instances);
  }

  /** The message of the first failure of each code. */
  get examples(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#examples);
  }

  /** The latency that half of the calls stayed within, in milliseconds; null where there was no call. */
  get p50Ms(): number | null {
    return rounded(this.#latencies.quantileMs(0.5));
  }

  /** The latency that 99 % of the calls stayed within, in milliseconds; null where there was no call. */
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
