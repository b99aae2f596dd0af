import { InsufficientStock, StockLimitExceeded } from './errors.js';
import type { Money } from './money.js';
import { MAX_STOCK } from './rules.js';
import type { Deletable, StoredOnly } from './stored.js';

/** Something that is sold. */
export interface Product extends Deletable {
  readonly title: string;
  /** The seller's own number for it; unique among those that aren't deleted. */
  readonly sku: string;
  readonly unitPrice: Money;
  /** How many are there. */
  readonly stock: bigint;
  /** The work that one takes to deliver. */
  readonly deliveryEffortMinutes: bigint;
}

/** A product that isn't stored yet. */
export type ProductDraft = Omit<Product, StoredOnly>;

/** What of a product can be changed. */
export type ProductFields = Omit<ProductDraft, 'stock'>;

/** A change of a product's stock. */
export interface StockChange {
  readonly productId: string;
  /** What to add; negative to take. */
  readonly delta: bigint;
}

/** How much of a product is wanted. */
export interface Need {
  readonly productId: string;
  readonly quantity: bigint;
}

/**
 * The product with its stock changed by `delta`.
 *
 * @throws InsufficientStock, StockLimitExceeded
 */
export function withStockChanged(product: Product, delta: bigint): Product {
  const stock = product.stock + delta;
  if (stock < 0n) throw new InsufficientStock([{ productId: product.id, available: product.stock, needed: -delta }]);
  if (stock > MAX_STOCK) throw new StockLimitExceeded(product.id, { stock, limit: MAX_STOCK });
  return { ...product, stock };
}

/**
 * The products with everything that is needed taken from them.
 *
 * @param products every one that is needed.
 * @throws InsufficientStock naming all that are short.
 */
export function takeStock(products: readonly Product[], needs: readonly Need[]): readonly Product[] {
  const quantities = totalNeeds(needs);
  const taken = products.map((product) => ({ product, needed: quantities.get(product.id) ?? 0n }));
  const shortages = taken
    .filter(({ product, needed }) => product.stock < needed)
    .map(({ product, needed }) => ({ productId: product.id, available: product.stock, needed }));
  if (shortages.length > 0) throw new InsufficientStock(shortages);
  return taken.map(({ product, needed }) => ({ ...product, stock: product.stock - needed }));
}

/**
 * The products with everything put back that was taken from them.
 *
 * @throws StockLimitExceeded
 */
export function returnStock(products: readonly Product[], taken: readonly Need[]): readonly Product[] {
  const quantities = totalNeeds(taken);
  return products.map((product) => withStockChanged(product, quantities.get(product.id) ?? 0n));
}

/** How much is needed of each product, however many lines ask for it. */
export function totalNeeds(needs: readonly Need[]): ReadonlyMap<string, bigint> {
  const quantities = new Map<string, bigint>();
  for (const { productId, quantity } of needs) quantities.set(productId, (quantities.get(productId) ?? 0n) + quantity);
  return quantities;
}
