import type { Deletable } from '@rondo/resources/domain';
import { InsufficientStock } from './errors.js';
import type { Money } from './money.js';
import { nameOf } from './names.js';
import { MAX_STOCK } from './stock.js';

/** An article for sale. */
export interface Product extends Deletable {
  readonly title: string;
  /** The seller's stock keeping unit; unique among the products that aren't deleted. */
  readonly sku: string;
  readonly unitPrice: Money;
  /** How many are in stock. */
  readonly stock: bigint;
  /** The work to deliver one piece. */
  readonly deliveryEffortMinutes: bigint;
}

/** How much of a product an order needs. */
export interface Need {
  readonly productId: string;
  readonly quantity: bigint;
}

/** The products of quotes and orders. */
export interface ProductStore {
  /** The products that exist, deleted ones included, in no particular order. */
  findAll(ids: readonly string[]): Promise<readonly Product[]>;
  /**
   * Reads the products that exist and locks them until the transaction ends. Concurrent transactions can't deadlock
   * here, however many products each of them locks.
   */
  lockAll(ids: readonly string[]): Promise<readonly Product[]>;
  /** Stores the stock of locked products. Each change is listed with its cause. */
  saveStock(products: readonly Product[], cause: StockCause): Promise<void>;
}

/** Why an order changes a stock, and its name. */
interface StockCause {
  readonly reason: 'ORDERED' | 'ORDER_CANCELLED';
  readonly reference: string;
}

/**
 * The products after the needed quantities are taken from their stock.
 *
 * @param products every product that `needs` names.
 * @throws InsufficientStock with every product whose stock is too small.
 */
export function takeStock(products: readonly Product[], needs: readonly Need[]): readonly Product[] {
  const quantities = totalNeeds(needs);
  const taken = products.map((product) => ({ product, needed: quantities.get(product.id) ?? 0n }));
  const shortages = taken
    .filter(({ product, needed }) => product.stock < needed)
    .map(({ product, needed }) => ({ product: nameOf('product', product.id), available: product.stock, needed }));
  if (shortages.length > 0) throw new InsufficientStock(shortages);
  return taken.map(({ product, needed }) => ({ ...product, stock: product.stock - needed }));
}

/** The products after the taken quantities are returned to their stock, which rises to its limit at most. */
export function returnStock(products: readonly Product[], taken: readonly Need[]): readonly Product[] {
  const quantities = totalNeeds(taken);
  return products.map((product) => {
    const stock = product.stock + (quantities.get(product.id) ?? 0n);
    return { ...product, stock: stock > MAX_STOCK ? MAX_STOCK : stock };
  });
}

/** The quantity by product, added up over all lines. */
export function totalNeeds(needs: readonly Need[]): ReadonlyMap<string, bigint> {
  const quantities = new Map<string, bigint>();
  for (const { productId, quantity } of needs) quantities.set(productId, (quantities.get(productId) ?? 0n) + quantity);
  return quantities;
}
