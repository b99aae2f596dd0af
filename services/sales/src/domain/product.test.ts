import { describe, expect, it } from '@jest/globals';
import { InsufficientStock, StockLimitExceeded } from './errors.js';
import { type Product, takeStock, withStockChanged } from './product.js';

function product(id: string, stock: bigint): Product {
  const unitPrice = { currency: 'EUR', minorUnits: 100n };
  const stored = { version: 1n, createTime: new Date(0), updateTime: new Date(0), deleteTime: undefined };
  return { id, title: id, sku: id, unitPrice, stock, deliveryEffortMinutes: 0n, ...stored };
}

describe('withStockChanged', () => {
  it('adds and takes, down to nothing and up to the limit', () => {
    expect(withStockChanged(product('a', 3n), -3n).stock).toBe(0n);
    expect(withStockChanged(product('a', 1n), 999_999_999n).stock).toBe(1_000_000_000n);
  });

  it('refuses to go beyond either end', () => {
    expect(() => withStockChanged(product('a', 3n), -4n)).toThrow(InsufficientStock);
    expect(() => withStockChanged(product('a', 1n), 1_000_000_000n)).toThrow(StockLimitExceeded);
  });
});

describe('takeStock', () => {
  it('adds up what several lines want of one product', () => {
    const needs = [
      { productId: 'a', quantity: 2n },
      { productId: 'b', quantity: 1n },
      { productId: 'a', quantity: 3n },
    ];
    expect(takeStock([product('a', 5n), product('b', 5n)], needs).map(({ stock }) => stock)).toEqual([0n, 4n]);
  });

  it('names every product that is short, what is there and what is needed', () => {
    const needs = [
      { productId: 'a', quantity: 2n },
      { productId: 'a', quantity: 2n },
      { productId: 'b', quantity: 1n },
      { productId: 'c', quantity: 9n },
    ];
    const products = [product('a', 3n), product('b', 1n), product('c', 0n)];
    expect(() => takeStock(products, needs)).toThrow(
      'nothing was taken: products/a has 3 where 4 are needed; products/c has 0 where 9 are needed; ask for less, or add',
    );
  });

  it('names the first of many that are short, and how many are left', () => {
    const ids = Array.from({ length: 100 }, (_, index) => `p${index}`);
    const take = () =>
      takeStock(
        ids.map((id) => product(id, 0n)),
        ids.map((productId) => ({ productId, quantity: 1n })),
      );
    expect(take).toThrow(/products\/p15 has 0 where 1 are needed and 84 more; ask for less/);
    expect(take).not.toThrow('products/p16');
  });
});
