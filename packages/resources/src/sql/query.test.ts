import { describe, expect, it } from '@jest/globals';
import { whereOf } from './query.js';

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
