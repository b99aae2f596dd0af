import { InsufficientStock, StockLimitExceeded } from './errors.js';

/** The largest stock of one product. */
export const MAX_STOCK = 1_000_000_000n;

/** How many of a product are in stock. */
interface Stock {
  /** The product's. */
  readonly name: string;
  readonly stock: bigint;
}

/** The stock of a product after a change. @throws InsufficientStock, StockLimitExceeded */
export function stockAfter({ name, stock }: Stock, delta: bigint): bigint {
  const after = stock + delta;
  if (after < 0n) throw new InsufficientStock([{ product: name, available: stock, needed: -delta }]);
  if (after > MAX_STOCK) throw new StockLimitExceeded(name, { stock: after, limit: MAX_STOCK });
  return after;
}
