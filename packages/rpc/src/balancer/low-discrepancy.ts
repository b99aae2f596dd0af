import type { Random } from '@rondo/base';

/** 2^32 divided by the golden ratio. It is odd, so the sequence takes all 2^32 values before it repeats one. */
const STEP = 0x9e3779b9;

/**
 * A golden-ratio sequence of points in [0, 1): each point is the last one plus the golden ratio, modulo 1 (a Weyl
 * sequence of low discrepancy). It starts at random.
 *
 * An interval of length `s` gets a point every `1 / s` points on average. The gap between two of them is at least
 * `0.4 / s` and at most `2 / s`. The sequence doesn't depend on the intervals, so they may change between two points.
 */
export function goldenRatioSequence(random: Random): () => number {
  let state = Math.floor(random.next() * 2 ** 32) | 0;
  return () => {
    state = (state + STEP) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

/** The number of strata that [0, 1) is divided into, and of the points in a block. */
const STRATA = 64;

/**
 * Stratified random points in [0, 1). Each block of 64 points has one random point in each of 64 equal strata, in random
 * order. So shares come out nearly exact in the long run, while a point says almost nothing about the next.
 */
export function stratifiedPoints(random: Random): () => number {
  const strata = Uint8Array.from({ length: STRATA }, (_, stratum) => stratum);
  let used = 0;
  return () => {
    // One step of a Fisher-Yates shuffle.
    const other = used + Math.floor(random.next() * (STRATA - used));
    const stratum = strata[other] ?? 0;
    strata[other] = strata[used] ?? 0;
    strata[used] = stratum;
    used = (used + 1) % STRATA;
    return (stratum + random.next()) / STRATA;
  };
}
