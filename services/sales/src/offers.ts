import type { Queries } from '@rondo/database';
import { Deleted } from '@rondo/resources/domain';
import { requireDeliverable } from './domain/delivery.js';
import type { LineDraft, OfferLine, Price, PricedLines } from './domain/offer.js';
import { requireOneCurrency } from './domain/offer.js';
import { type Calculator, priceLines } from './domain/pricing.js';
import { type Percents, percentOf } from './offer-columns.js';
import { type LineMessage, lineDraft } from './offer-lines.js';
import { products } from './products.js';

/** What makes the price of a quote or an order, as its message has it. */
interface OfferRequest extends Percents {
  readonly lines: readonly LineMessage[];
}

/** Lines with their price. */
export interface Offer extends PricedLines<OfferLine> {
  readonly price: Price;
  /** The versions of the products at the time of pricing, by id. */
  readonly versions: ReadonlyMap<string, bigint>;
}

/**
 * Prices lines at the products' present prices.
 *
 * @throws NotFound, Deleted, MixedCurrencies, TooMuchEffort, TotalOutOfRange, Unavailable
 */
export async function makeOffer(
  { database, calculator }: { readonly database: Queries; readonly calculator: Calculator },
  { lines, discountPercent, taxPercent }: OfferRequest,
  of: 'quote' | 'order',
): Promise<Offer> {
  const drafts = lines.map(lineDraft);
  const found = await findProducts(database, [...new Set(drafts.map(({ productId }) => productId))]);
  const offered = drafts.map((line) => toOfferLine(line, found));
  requireOneCurrency(offered, of);
  // Only a quote becomes a project.
  if (of === 'quote') requireDeliverable(offered);
  const priced = { lines: offered, discount: percentOf(discountPercent), taxRate: percentOf(taxPercent) };
  const versions = new Map([...found].map(([id, { version }]) => [id, version]));
  return { ...priced, price: await priceLines(calculator, priced), versions };
}

interface OfferedProduct {
  readonly id: string;
  readonly title: string;
  readonly currency: string;
  readonly unit_price_minor: string;
  readonly delivery_effort_minutes: bigint;
  readonly version: bigint;
  readonly is_deleted: boolean;
}

/** Reads the products of an order. */
export const FIND_PRODUCTS = `
  SELECT id, title, currency, unit_price_minor, delivery_effort_minutes, version, delete_time IS NOT NULL AS is_deleted
  FROM products WHERE id = ANY($1)`;

async function findProducts(queries: Queries, ids: readonly string[]): Promise<ReadonlyMap<string, OfferedProduct>> {
  const rows = await queries.query<OfferedProduct>(FIND_PRODUCTS, [ids], { name: 'find_products' });
  const found = new Map(rows.map((row) => [row.id, row]));
  const names = (some: readonly string[]) => some.map((id) => products.nameOf(id));
  const missing = ids.filter((id) => !found.has(id));
  if (missing.length > 0) throw products.missing(...names(missing));
  const deleted = ids.filter((id) => found.get(id)?.is_deleted);
  if (deleted.length > 0) throw new Deleted(names(deleted), 'product');
  return found;
}

/** The line with the product's present title, price and effort. */
function toOfferLine(line: LineDraft, found: ReadonlyMap<string, OfferedProduct>): OfferLine {
  const product = found.get(line.productId);
  if (product === undefined) throw products.missing(products.nameOf(line.productId));
  const { title, currency, unit_price_minor: price, delivery_effort_minutes: deliveryEffortMinutes } = product;
  return { ...line, title, unitPrice: { currency, minorUnits: BigInt(price) }, deliveryEffortMinutes };
}
