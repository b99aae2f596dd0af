import type { Ports } from '../domain/ports.js';
import type { Product } from '../domain/product.js';
import { found } from './found.js';

/** One product. @throws NotFound */
export async function getProduct({ stores }: Pick<Ports, 'stores'>, id: string): Promise<Product> {
  return found('product', id, await stores.products.find(id));
}
