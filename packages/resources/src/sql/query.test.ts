import { describe, expect, it } from '@jest/globals';
import { whereOf } from './query.js';

const COLUMNS = { state: 'orders.state', stock: 'stock' };

describe('the conditions of a filter in SQL', () => {
  it('are parameters, numbered from the first that is free', () => {
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

  it('hold for all where there are none', () => {
    expect(whereOf([], COLUMNS, 1)).toEqual({ sql: 'TRUE', params: [] });
  });

  it('are a fault of the program where a field has no column', () => {
    expect(() => whereOf([{ field: 'gone', comparator: '=', value: '' }], COLUMNS, 1)).toThrow('no column for gone');
  });
});
