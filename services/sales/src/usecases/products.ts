import { type ChangedSince, differs, type ListQuery, type Page, requireUnchanged } from '@rondo/resources/domain';
import { nameOf } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import {
  type Product,
  type ProductDraft,
  type ProductFields,
  type StockAdjustment,
  type StockChange,
  type StockChangeQuery,
  withStockChanged,
} from '../domain/product.js';
import { found, live } from '../domain/stored.js';

/** Creates a product. The transaction has the reply, which repetitions of the call get. @throws SkuTaken */
export function createProduct<R>(
  { transact, newId }: Pick<Ports, 'transact' | 'newId'>,
  draft: ProductDraft,
  toReply: (product: Product) => R,
): Promise<R> {
  return transact(async ({ products }) => toReply(await products.add({ ...draft, id: newId() })));
}

/** One product. @throws NotFound */
export async function getProduct({ stores }: Pick<Ports, 'stores'>, id: string): Promise<Product> {
  return found('product', id, await stores.products.find(id));
}

/** One page of the products, the newest first. */
export function listProducts({ lists }: Pick<Ports, 'lists'>, query: ListQuery): Promise<Page<Product>> {
  return lists.products.list(query);
}

/** The fields to change, and the etag to check. */
export interface ProductUpdate {
  readonly id: string;
  readonly fields: Partial<ProductFields>;
  readonly changedSince: ChangedSince<Product>;
}

/** Changes a product. If nothing would differ, it isn't written. @throws NotFound, Deleted, StaleEtag, SkuTaken */
export function updateProduct(
  { transact }: Pick<Ports, 'transact'>,
  { id, fields, changedSince }: ProductUpdate,
): Promise<Product> {
  return transact(async ({ products }) => {
    const present = live('product', found('product', id, await products.lock(id)));
    requireUnchanged(nameOf('product', id), present, changedSince);
    return differs(present, fields) ? products.update(id, fields) : present;
  });
}

/**
 * Adds to a product's stock or takes from it. The transaction has the reply, which repetitions of the call get.
 *
 * @throws NotFound, Deleted, InsufficientStock, StockLimitExceeded
 */
export function adjustStock<R>(
  { transact }: Pick<Ports, 'transact'>,
  { productId, delta, reference }: StockAdjustment,
  toReply: (product: Product) => R,
): Promise<R> {
  return transact(async ({ products }) => {
    const product = found('product', productId, await products.lock(productId));
    const changed = withStockChanged(live('product', product), delta);
    await products.saveStock([changed], { reason: 'ADJUSTED', reference });
    return toReply(changed);
  });
}

/** The product whose changes are listed, and which of them. */
export interface StockChanges {
  readonly productId: string;
  readonly query: StockChangeQuery;
}

/** One page of the changes of a product's stock, also of a deleted one. @throws NotFound */
export async function listStockChanges(
  { stores, lists }: Pick<Ports, 'stores' | 'lists'>,
  { productId, query }: StockChanges,
): Promise<Page<StockChange>> {
  found('product', productId, await stores.products.find(productId));
  return lists.products.stockChanges(productId, query);
}
