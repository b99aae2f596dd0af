import type { Random } from '../clock/index.js';

/** The golden ratio's part of 2^32, odd: each of the 2^32 points comes once before any comes again. */
const STEP = 0x9e3779b9;

/**
 * Points of the line from 0 to 1 that cover it as evenly as points can that come one by one: each is the last one plus
 * the golden ratio (Weyl's sequence). A piece of length `s` is met every `1 / s` points, by turns somewhat sooner or later,
 * but never twice within `0.4 / s`, nor later than after `2 / s`; and it is known nowhere how long the pieces are: they
 * may change between any two points.
 */
export function evenPoints(random: Random): () => number {
  let at = Math.floor(random.next() * 2 ** 32) | 0;
  return () => {
    at = (at + STEP) | 0;
    return (at >>> 0) / 2 ** 32;
  };
}

/** Of so many points in a row each lies in another part of the line. */
const PARTS = 64;

/**
 * Points of the line from 0 to 1 by chance, but for one thing: over each 64 of them every part of the line has its due. So
 * shares come out as even as by turns in the long run, while the next point tells as good as nothing of the last.
 */
export function spreadPoints(random: Random): () => number {
  const parts = Uint8Array.from({ length: PARTS }, (_, part) => part);
  let used = 0;
  return () => {
    const other = used + Math.floor(random.next() * (PARTS - used));
    const part = parts[other] ?? 0;
    parts[other] = parts[used] ?? 0;
    parts[used] = part;
    used = (used + 1) % PARTS;
    return (part + random.next()) / PARTS;
  };
}
