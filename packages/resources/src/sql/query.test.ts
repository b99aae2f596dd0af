import { describe, expect, it } from '@jest/globals';
import { inParts, whereOf } from './query.js';

const COLUMNS = { state: 'orders.state', stock: 'stock' };

describe('the conditions of a filter in SQL', () => {
  it('are parameters, numbered from the first free one', () => {
    const where = whereOf(
      [
        { field: 'state', comparator: '!=', value: "'; DROP TABLE orders" },
        { field: 'stock', comparator: '<=', value: 5n },
      ],
      COLUMNS,
      3,
    );
    expect(where).toEqual({
      sql: 'orders.state IS DISTINCT FROM $3 AND stock <= $4',
      params: ["'; DROP TABLE orders", 5n],
    });
  });

  it('hold for all rows without conditions', () => {
    expect(whereOf([], COLUMNS, 1)).toEqual({ sql: 'TRUE', params: [] });
  });

  it('throw if a field has no column', () => {
    expect(() => whereOf([{ field: 'gone', comparator: '=', value: '' }], COLUMNS, 1)).toThrow('no column for gone');
  });
});

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
