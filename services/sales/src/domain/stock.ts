import { InsufficientStock, StockLimitExceeded } from './errors.js';

/** The largest stock of one product. */
const MAX_STOCK = 1_000_000_000n;

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

/** How much of a product an order needs. */
interface Need {
  /** Its name. */
  readonly product: string;
  readonly quantity: bigint;
}

/**
 * The stocks of products after the needed quantities are taken from them.
 *
 * @param stocks of every product that `needs` names.
 * @throws InsufficientStock with every product whose stock is too small.
 */
export function takeStock(stocks: readonly Stock[], needs: readonly Need[]): ReadonlyMap<string, bigint> {
  const quantities = totalNeeds(needs);
  const shortages = stocks
    .map(({ name, stock }) => ({ product: name, available: stock, needed: quantities.get(name) ?? 0n }))
    .filter(({ available, needed }) => available < needed);
  if (shortages.length > 0) throw new InsufficientStock(shortages);
  return new Map(stocks.map(({ name, stock }) => [name, stock - (quantities.get(name) ?? 0n)]));
}

/** The stocks of products after the taken quantities are returned to them. A stock rises to its limit at most. */
export function returnStock(stocks: readonly Stock[], taken: readonly Need[]): ReadonlyMap<string, bigint> {
  const quantities = totalNeeds(taken);
  const returned = ({ name, stock }: Stock): bigint => stock + (quantities.get(name) ?? 0n);
  return new Map(stocks.map((one) => [one.name, returned(one) > MAX_STOCK ? MAX_STOCK : returned(one)]));
}

/** The quantity by product, added up over all lines. */
export function totalNeeds(needs: readonly Need[]): ReadonlyMap<string, bigint> {
  const quantities = new Map<string, bigint>();
  for (const { product, quantity } of needs) quantities.set(product, (quantities.get(product) ?? 0n) + quantity);
  return quantities;
}
