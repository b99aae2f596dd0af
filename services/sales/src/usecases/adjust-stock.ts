import type { Ports } from '../domain/ports.js';
import { type Product, type StockChange, withStockChanged } from '../domain/product.js';
import { callOf, type RequestKey } from '../domain/request-key.js';
import { live } from '../domain/stored.js';
import { found } from './found.js';
import { once } from './once.js';

/**
 * Adds to a product's stock, or takes from it, once for a key.
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
    // The rules are for the first one: what was carried out is answered again, whatever the stock would bear now.
    const make = async () => {
      const changed = withStockChanged(live('product', product), delta);
      await products.saveStock([changed]);
      return changed;
    };
    return once(requests, callOf('AdjustStock', key), { id: productId, answers: products, make });
  });
}
