/** How many calls took a time within a range of whole microseconds. */
export interface DurationCount {
  readonly minMicros: number;
  readonly maxMicros: number;
  readonly count: number;
}

/** Each power of two is divided into this many ranges, so that a range is at most an eighth of its lower bound wide. */
const RANGES = 8;
const RANGE_BITS = Math.log2(RANGES);
/** 35 minutes. A longer duration counts as this long. */
const MAX_MS = 2_100_000;

/** Counts calls by how long they took, in a plain array: to count a call allocates nothing. */
export class Durations {
  readonly #durations: number[] = new Array(rangeOf(MAX_MS * 1_000) + 1).fill(0);

  /** Records how long a call took, as {@link toMicros} gives it. */
  took(micros: number): void {
    const range = rangeOf(micros);
    this.#durations[range] = (this.#durations[range] ?? 0) + 1;
  }

  /** The ranges of durations that calls took. */
  durations(): readonly DurationCount[] {
    return this.#durations.flatMap((count, range) => {
      return count === 0 ? [] : [{ minMicros: leastOf(range), maxMicros: leastOf(range + 1) - 1, count }];
    });
  }
}

/**
 * The duration that the share `share` of calls doesn't exceed, by the nearest rank: the middle of the range in which the call of
 * that rank is. As a range is at most an eighth of its lower bound wide, it is at most 6.25 % from the exact percentile.
 */
export function percentileMs(ranges: readonly DurationCount[], share: number): number | null {
  const calls = ranges.reduce((sum, { count }) => sum + count, 0);
  if (calls === 0) return null;
  const rank = Math.max(1, Math.ceil(calls * share));
  let seen = 0;
  for (const { minMicros, maxMicros, count } of ranges) {
    seen += count;
    if (seen >= rank) return (minMicros + maxMicros) / 2 / 1_000;
  }
  return null;
}

/** A duration as whole microseconds. */
export function toMicros(durationMs: number): number {
  // Bits of a 32-bit integer, which MAX_MS keeps it within.
  return (Math.min(durationMs, MAX_MS) * 1_000) | 0;
}

/**
 * The number of the range that a duration is in: below 16 µs each microsecond is a range, above the ranges get longer.
 *
 * Source: the layout of HdrHistogram, http://hdrhistogram.org
 */
function rangeOf(micros: number): number {
  const shift = Math.max(0, 31 - Math.clz32(micros) - RANGE_BITS);
  return shift * RANGES + (micros >> shift);
}

/** The shortest duration of a range. */
function leastOf(range: number): number {
  const shift = Math.max(0, Math.floor(range / RANGES) - 1);
  return (range - shift * RANGES) * 2 ** shift;
}
