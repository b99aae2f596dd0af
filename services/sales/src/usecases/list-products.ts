import type { Page, PageQuery } from '../domain/page.js';
import type { Ports } from '../domain/ports.js';
import type { Product } from '../domain/product.js';

/** A page of the products, the newest first. */
export function listProducts({ stores }: Pick<Ports, 'stores'>, query: PageQuery): Promise<Page<Product>> {
  return stores.products.list(query);
}
