import type { Deletable, FilteredQuery, Page, StoredOnly } from '@rondo/resources/domain';
import { InsufficientStock, StockLimitExceeded } from './errors.js';
import type { Money } from './money.js';
import type { Deleter, Reader } from './stored.js';

/** The largest stock of one product. */
const MAX_STOCK = 1_000_000_000n;

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

/** A product before it is stored. */
export type ProductDraft = Omit<Product, StoredOnly>;

/** The fields of a product that an update can change. */
export type ProductFields = Omit<ProductDraft, 'stock'>;

/** A requested change of a product's stock. */
export interface StockAdjustment {
  readonly productId: string;
  /** How many to add; negative to take. */
  readonly delta: bigint;
  /** What it refers to, in the caller's words; may be empty. */
  readonly reference: string;
}

/** The reasons for which a stock changes, as a filter names them. */
export const STOCK_REASONS = ['UNSPECIFIED', 'OPENING', 'CREATED', 'ADJUSTED', 'ORDERED', 'ORDER_CANCELLED'] as const;

/** Why a stock changes. */
export type StockReason = (typeof STOCK_REASONS)[number];

/** Why this service changes a stock, and by what. */
export interface StockCause {
  readonly reason: StockReason;
  /** The name of the order, or what the caller gave. */
  readonly reference: string;
}

/** A change of a product's stock, as it is listed. */
export interface StockChange extends StockCause {
  readonly id: string;
  readonly productId: string;
  readonly delta: bigint;
  /** The stock after it. */
  readonly stock: bigint;
  /** The caller's; empty without one. */
  readonly subject: string;
  readonly createTime: Date;
}

/** Which changes of a stock are listed. */
export interface StockChangeQuery extends FilteredQuery {
  /** The salesperson whose orders the caller sees; null if it sees none, undefined if it sees all. */
  readonly sight?: string | null | undefined;
}

/** How much of a product an order needs. */
export interface Need {
  readonly productId: string;
  readonly quantity: bigint;
}

/** Stores products. */
export interface ProductStore extends Reader<Product>, Deleter<Product> {
  /** @throws SkuTaken if another product has the SKU. */
  add(product: ProductDraft & { readonly id: string }): Promise<Product>;
  /** Changes a locked product. @throws SkuTaken */
  update(id: string, fields: Partial<ProductFields>): Promise<Product>;
  /** The products that exist, deleted ones included, in no particular order. */
  findAll(ids: readonly string[]): Promise<readonly Product[]>;
  /**
   * Reads the products that exist and locks them until the transaction ends. Concurrent transactions can't deadlock
   * here, however many products each of them locks.
   */
  lockAll(ids: readonly string[]): Promise<readonly Product[]>;
  /** Stores the stock of locked products. Each change is listed with its cause. */
  saveStock(products: readonly Product[], cause: StockCause): Promise<void>;
  /** The changes of a product's stock. If the caller doesn't see the order that caused a change, the cause has only its reason. */
  stockChanges(productId: string, query: StockChangeQuery): Promise<Page<StockChange>>;
}

/** Tells which products change, whichever replica changes them. */
export interface ProductFeed {
  /**
   * Yields undefined once the watch has begun, then the id of each product that has changed.
   *
   * @throws `WatchAborted` or `WatchUnavailable` of @rondo/sync, or the signal's reason.
   */
  watch(signal: AbortSignal): AsyncIterable<string | undefined>;
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
    .map(({ product, needed }) => ({ productId: product.id, available: product.stock, needed }));
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
