import type { Random } from '../clock.js';

// Simulations draw millions of numbers, and globals are slow to reach inside a test.
const imul = Math.imul;

/** A deterministic generator: the same seed gives the same numbers. Mulberry32, by Tommy Ettinger. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    hex(bytes) {
      let text = '';
      for (let count = 0; count < bytes; count += 1) text += BYTES[Math.floor(next() * 256)];
      return text;
    },
  };
}

/** Every byte in hexadecimal. */
const BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
