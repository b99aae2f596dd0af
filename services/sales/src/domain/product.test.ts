import { describe, expect, it } from '@jest/globals';
import { type Product, takeStock } from './product.js';

function product(id: string, stock: bigint): Product {
  const unitPrice = { currency: 'EUR', minorUnits: 100n };
  const stored = { version: 1n, createTime: new Date(0), updateTime: new Date(0), deleteTime: undefined };
  return { id, title: id, sku: id, unitPrice, stock, deliveryEffortMinutes: 0n, ...stored };
}

describe('takeStock', () => {
  it('adds up the quantities of several lines', () => {
    const needs = [
      { productId: 'a', quantity: 2n },
      { productId: 'b', quantity: 1n },
      { productId: 'a', quantity: 3n },
    ];
    expect(takeStock([product('a', 5n), product('b', 5n)], needs).map(({ stock }) => stock)).toEqual([0n, 4n]);
  });

  it('names every short product with its stock and the needed quantity', () => {
    const needs = [
      { productId: 'a', quantity: 2n },
      { productId: 'a', quantity: 2n },
      { productId: 'b', quantity: 1n },
      { productId: 'c', quantity: 9n },
    ];
    const products = [product('a', 3n), product('b', 1n), product('c', 0n)];
    expect(() => takeStock(products, needs)).toThrow(
      'nothing was taken: products/a has 3 in stock, but 4 are needed; products/c has 0 in stock, but 9 are needed; ask for less, or add',
    );
  });

  it('names at most 16 short products, and the number of the others', () => {
    const ids = Array.from({ length: 100 }, (_, index) => `p${index}`);
    const take = () =>
      takeStock(
        ids.map((id) => product(id, 0n)),
        ids.map((productId) => ({ productId, quantity: 1n })),
      );
    expect(take).toThrow(/products\/p15 has 0 in stock, but 1 are needed and 84 more; ask for less/);
    expect(take).not.toThrow('products/p16');
  });
});
