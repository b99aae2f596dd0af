import type { Ports } from '../domain/ports.js';
import { type Product, type StockChange, withStockChanged } from '../domain/product.js';
import type { RequestKey } from '../domain/request-key.js';
import { found } from './found.js';

/**
 * Adds to a product's stock, or takes from it, once for a key.
 *
 * @throws NotFound, InsufficientStock, StockLimitExceeded, RequestIdReused
 */
export function adjustStock(
  { transact }: Pick<Ports, 'transact'>,
  { productId, delta }: StockChange,
  key: RequestKey | undefined,
): Promise<Product> {
  return transact(async ({ products, requests }) => {
    const [locked] = await products.lockAll([productId]);
    const product = found('product', productId, locked);
    // Before the rules: a call that was carried out is answered again, whatever the stock would bear now.
    const first = await requests.claim(key, (product.stock + delta).toString());
    if (first !== undefined) return { ...product, stock: BigInt(first) };
    const changed = withStockChanged(product, delta);
    await products.saveStock([changed]);
    return changed;
  });
}
