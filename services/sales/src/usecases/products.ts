import {
  type ChangedSince,
  differs,
  type ListQuery,
  type Page,
  type RequestKey,
  requireUnchanged,
} from '@rondo/resources/domain';
import { nameOf } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import {
  type Product,
  type ProductDraft,
  type ProductFields,
  type StockChange,
  withStockChanged,
} from '../domain/product.js';
import { callOf } from '../domain/request-id.js';
import { found, live } from '../domain/stored.js';
import { once } from './once.js';

/** Creates a product, once per key. @throws SkuTaken, RequestIdReused */
export function createProduct(
  { transact, newId }: Pick<Ports, 'transact' | 'newId'>,
  draft: ProductDraft,
  key: RequestKey | undefined,
): Promise<Product> {
  return transact(({ products, requests }) => {
    const id = newId();
    const make = () => products.add({ ...draft, id });
    return once(requests, callOf('CreateProduct', key), { id, responses: products, make });
  });
}

/** One product. @throws NotFound */
export async function getProduct({ stores }: Pick<Ports, 'stores'>, id: string): Promise<Product> {
  return found('product', id, await stores.products.find(id));
}

/** One page of the products, the newest first. */
export function listProducts({ stores }: Pick<Ports, 'stores'>, query: ListQuery): Promise<Page<Product>> {
  return stores.products.list(query);
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
 * Adds to a product's stock or takes from it, once per key.
 *
 * @throws NotFound, Deleted, InsufficientStock, StockLimitExceeded, RequestIdReused
 */
export function adjustStock(
  { transact }: Pick<Ports, 'transact'>,
  { productId, delta }: StockChange,
  key: RequestKey | undefined,
): Promise<Product> {
  return transact(async ({ products, requests }) => {
    const product = found('product', productId, await products.lock(productId));
    // Only the first call checks the rules. A repetition returns the saved response, whatever the stock is now.
    const make = async () => {
      const changed = withStockChanged(live('product', product), delta);
      await products.saveStock([changed]);
      return changed;
    };
    return once(requests, callOf('AdjustStock', key), { id: productId, responses: products, make });
  });
}
