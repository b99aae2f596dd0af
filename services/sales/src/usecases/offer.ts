import { Deleted, NotFound } from '../domain/errors.js';
import {
  type OfferLine,
  type Price,
  type PricedLines,
  type PriceRequest,
  requireOneCurrency,
  toOfferLine,
} from '../domain/offer.js';
import type { Calculator, ProductStore } from '../domain/ports.js';
import type { Product } from '../domain/product.js';
import { found } from './found.js';
import { priceLines } from './price-lines.js';

/** What lines cost at the products' present prices. */
export interface Offer extends PricedLines<OfferLine> {
  readonly price: Price;
  /** The products' versions that this holds for. */
  readonly versions: ReadonlyMap<string, bigint>;
}

/** What offers are made of. */
export interface OfferPorts {
  readonly products: Pick<ProductStore, 'findAll'>;
  readonly calculator: Calculator;
}

/**
 * Prices lines at the products' present prices.
 *
 * @throws NotFound, Deleted, MixedCurrencies, TotalOutOfRange, Unavailable
 */
export async function makeOffer(
  { products, calculator }: OfferPorts,
  { lines, discount, taxRate }: PriceRequest,
  of: 'quote' | 'order',
): Promise<Offer> {
  const byId = await findProducts(products, [...new Set(lines.map(({ productId }) => productId))]);
  const offered = lines.map((line) => toOfferLine(line, found('product', line.productId, byId.get(line.productId))));
  requireOneCurrency(offered, of);
  const priced = { lines: offered, discount, taxRate };
  const versions = new Map([...byId].map(([id, { version }]) => [id, version]));
  return { ...priced, price: await priceLines(calculator, priced), versions };
}

async function findProducts(
  products: OfferPorts['products'],
  ids: readonly string[],
): Promise<ReadonlyMap<string, Product>> {
  const byId = new Map((await products.findAll(ids)).map((product) => [product.id, product]));
  const missing = ids.filter((id) => !byId.has(id));
  if (missing.length > 0) throw new NotFound('product', missing);
  const deleted = ids.filter((id) => byId.get(id)?.deleteTime !== undefined);
  if (deleted.length > 0) throw new Deleted('product', deleted);
  return byId;
}
