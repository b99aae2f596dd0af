import { describe, expect, it } from '@jest/globals';
import { inParts } from './query.js';

describe('rows in parts', () => {
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => ({ sequence: BigInt(index + 1) }));

  it.each([
    [0, [0]],
    [1, [1]],
    [2, [2, 0]],
    [5, [2, 2, 1]],
  ])('of %i rows have the sizes %j, at most two read after each other', async (count, sizes) => {
    const read: bigint[] = [];
    const parts: number[] = [];
    const rows = inParts(2, async (after) => {
      read.push(after);
      return upTo(count)
        .filter(({ sequence }) => sequence > after)
        .slice(0, 2);
    });
    for await (const part of rows) parts.push(part.length);
    expect(parts).toEqual(sizes.filter((size, index) => index === 0 || size > 0));
    expect(read).toHaveLength(sizes.length);
  });
});
