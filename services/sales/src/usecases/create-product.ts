import type { Ports } from '../domain/ports.js';
import type { Product, ProductDraft } from '../domain/product.js';
import { callOf, type RequestKey } from '../domain/request-key.js';
import { once } from './once.js';

/** Adds a product, once for a key. @throws SkuTaken, RequestIdReused */
export function createProduct(
  { transact, newId }: Pick<Ports, 'transact' | 'newId'>,
  draft: ProductDraft,
  key: RequestKey | undefined,
): Promise<Product> {
  return transact(({ products, requests }) => {
    const id = newId();
    const make = () => products.add({ ...draft, id });
    return once(requests, callOf('CreateProduct', key), { id, answers: products, make });
  });
}
