import { seededRandom } from '@rondo/rpc/testing';

/** Draws at random, the same from the same seed. */
export interface Draw {
  /** Whether something of this probability happens. */
  chance(probability: number): boolean;
  /** A whole number from 0 up to, but not including, `end`. */
  below(end: number): number;
  /** One of the items. There is one. */
  one<T>(items: readonly T[]): T;
  bytes(count: number): Buffer;
}

export function createDraw(seed: number): Draw {
  const { next } = seededRandom(seed);
  const below = (end: number) => Math.floor(next() * end);
  return {
    chance: (probability) => next() < probability,
    below,
    one: <T>(items: readonly T[]) => {
      const [item] = items.slice(below(items.length));
      if (item === undefined) throw new Error('there is nothing to draw');
      return item;
    },
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => below(256))),
  };
}
