import { describe, expect, it } from '@jest/globals';
import { InsufficientStock, StockLimitExceeded } from './errors.js';
import { stockAfter } from './stock.js';

const desk = (stock: bigint) => ({ name: 'products/desk', stock });

describe('stockAfter', () => {
  it('adds and takes, down to zero and up to the limit', () => {
    expect(stockAfter(desk(3n), -3n)).toBe(0n);
    expect(stockAfter(desk(1n), 999_999_999n)).toBe(1_000_000_000n);
  });

  it('refuses a stock below zero or above the limit', () => {
    expect(() => stockAfter(desk(3n), -4n)).toThrow(InsufficientStock);
    expect(() => stockAfter(desk(1n), 1_000_000_000n)).toThrow(StockLimitExceeded);
  });
});
