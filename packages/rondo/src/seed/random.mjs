/** Random numbers and request ids that follow from a seed or a name. */
import { createHash } from 'node:crypto';

/** A random generator from a seed: mulberry32, by Tommy Ettinger, in the public domain. */
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
    /** A whole number from `from` to `to`, both included. */
    between,
    /** One element of a list. */
    pick: (from) => from[between(0, from.length - 1)],
    /** True with a probability of `percent`. */
    chance: (percent) => next() * 100 < percent,
  };
}

/** A UUID that follows from a name (RFC 9562, version 8). */
export function requestId(name) {
  const hash = createHash('sha256').update(`rondo seed ${name}`).digest('hex');
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}
