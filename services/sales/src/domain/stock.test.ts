import { describe, expect, it } from '@jest/globals';
import { InsufficientStock, StockLimitExceeded } from './errors.js';
import { returnStock, stockAfter, takeStock } from './stock.js';

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

describe('takeStock', () => {
  const stocked = (id: string, stock: bigint) => ({ name: `products/${id}`, stock });
  const need = (id: string, quantity: bigint) => ({ product: `products/${id}`, quantity });

  it('adds up the quantities of several lines', () => {
    const needs = [need('a', 2n), need('b', 1n), need('a', 3n)];
    expect([...takeStock([stocked('a', 5n), stocked('b', 5n)], needs)]).toEqual([
      ['products/a', 0n],
      ['products/b', 4n],
    ]);
  });

  it('names every short product with its stock and the needed quantity', () => {
    const needs = [need('a', 2n), need('a', 2n), need('b', 1n), need('c', 9n)];
    expect(() => takeStock([stocked('a', 3n), stocked('b', 1n), stocked('c', 0n)], needs)).toThrow(
      'nothing was taken: products/a has 3 in stock, but 4 are needed; products/c has 0 in stock, but 9 are needed; ask for less, or add',
    );
  });

  it('names at most 16 short products, and the number of the others', () => {
    const ids = Array.from({ length: 100 }, (_, index) => `p${index}`);
    const take = () =>
      takeStock(
        ids.map((id) => stocked(id, 0n)),
        ids.map((id) => need(id, 1n)),
      );
    expect(take).toThrow(/products\/p15 has 0 in stock, but 1 are needed and 84 more; ask for less/);
    expect(take).not.toThrow('products/p16');
  });
});

it('returnStock adds what was taken, up to the limit', () => {
  const stocks = [
    { name: 'products/a', stock: 1n },
    { name: 'products/b', stock: 999_999_999n },
  ];
  const taken = [
    { product: 'products/a', quantity: 2n },
    { product: 'products/b', quantity: 2n },
  ];
  expect([...returnStock(stocks, taken).values()]).toEqual([3n, 1_000_000_000n]);
});
