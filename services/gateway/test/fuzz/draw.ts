import { seededRandom } from '@rondo/rpc/testing';

/** Draws at random, the same from the same seed. */
export interface Draw {
  /** Whether something of this probability happens. */
  chance(probability: number): boolean;
  /** A whole number from 0 up to, but not including, `end`. */
  below(end: number): number;
  one<T>(items: readonly [T, ...T[]]): T;
  bytes(count: number): Buffer;
}

export function createDraw(seed: number): Draw {
  const { next } = seededRandom(seed);
  const below = (end: number) => Math.floor(next() * end);
  return {
    chance: (probability) => next() < probability,
    below,
    one: <T>(items: readonly [T, ...T[]]) => items[below(items.length)] ?? items[0],
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => below(256))),
  };
}
