import { createHash } from 'node:crypto';

/** Chance that is the same every time. */

/** Numbers from 0 up to 1 that follow from a seed: mulberry32, by Tommy Ettinger, in the public domain. */
export function createRandom(seed) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (from, to) => from + Math.floor(next() * (to - from + 1));
  return {
    /** A whole number, both ends included. */
    between,
    /** One of some things. */
    pick: (from) => from[between(0, from.length - 1)],
    /** True so often, of 100 times. */
    chance: (percent) => next() * 100 < percent,
  };
}

/** A UUID that follows from a name (RFC 9562, version 8). */
export function requestId(name) {
  const hash = createHash('sha256').update(`rondo seed ${name}`).digest('hex');
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}
