import type { Ports } from '../domain/ports.js';
import type { Product, ProductFields } from '../domain/product.js';
import { type ChangesSinceRead, differs, live, requireAsRead } from '../domain/stored.js';
import { found } from './found.js';

/** What of a product is to be changed, and what it has to be like. */
export interface ProductUpdate {
  readonly id: string;
  readonly fields: Partial<ProductFields>;
  readonly changes: ChangesSinceRead<Product>;
}

/** Changes a product; where nothing would differ, it stays as it is. @throws NotFound, Deleted, StaleEtag, SkuTaken */
export function updateProduct(
  { transact }: Pick<Ports, 'transact'>,
  { id, fields, changes }: ProductUpdate,
): Promise<Product> {
  return transact(async ({ products }) => {
    const present = live('product', found('product', id, await products.lock(id)));
    requireAsRead('product', present, changes);
    return differs(present, fields) ? products.update(id, fields) : present;
  });
}
