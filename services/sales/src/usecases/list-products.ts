import type { ListQuery, Page } from '../domain/list.js';
import type { Ports } from '../domain/ports.js';
import type { Product } from '../domain/product.js';

/** A page of the products, the newest first. */
export function listProducts({ stores }: Pick<Ports, 'stores'>, query: ListQuery): Promise<Page<Product>> {
  return stores.products.list(query);
}
