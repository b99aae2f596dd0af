import type { Ports } from '../domain/ports.js';
import type { Product, ProductDraft } from '../domain/product.js';
import type { RequestKey } from '../domain/request-key.js';
import { found } from './found.js';

/** Adds a product, once for a key. @throws SkuTaken, RequestIdReused */
export function createProduct(
  { transact, newId }: Pick<Ports, 'transact' | 'newId'>,
  draft: ProductDraft,
  key: RequestKey | undefined,
): Promise<Product> {
  return transact(async ({ products, requests }) => {
    const id = newId();
    const first = await requests.claim(key, id);
    if (first === undefined) return products.add({ ...draft, id });
    // The answer is the first one, although the stock has moved since.
    return { ...found('product', first, await products.find(first)), stock: draft.stock };
  });
}
