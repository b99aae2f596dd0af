import { requireDeliverable } from '../domain/delivery.js';
import { Deleted, notFound, TotalOutOfRange } from '../domain/errors.js';
import { digitsOf, fromDecimal, isRepresentable } from '../domain/money.js';
import {
  type OfferLine,
  type Price,
  type PricedLine,
  type PricedLines,
  type PriceRequest,
  requireOneCurrency,
  toOfferLine,
} from '../domain/offer.js';
import type { Calculator } from '../domain/ports.js';
import { priceExpressions, subtotalExpressions } from '../domain/pricing.js';
import type { Product, ProductStore } from '../domain/product.js';
import { found } from '../domain/stored.js';

/** Lines with their price. */
interface Offer extends PricedLines<OfferLine> {
  readonly price: Price;
  /** The versions of the products at the time of pricing, by id. */
  readonly versions: ReadonlyMap<string, bigint>;
}

/** What pricing needs from outside. */
interface OfferPorts {
  readonly products: Pick<ProductStore, 'findAll'>;
  readonly calculator: Calculator;
}

/**
 * Prices lines at the products' present prices.
 *
 * @throws NotFound, Deleted, MixedCurrencies, TooMuchEffort, TotalOutOfRange, Unavailable
 */
export async function makeOffer(
  { products, calculator }: OfferPorts,
  { lines, discount, taxRate }: PriceRequest,
  of: 'quote' | 'order',
): Promise<Offer> {
  const byId = await findProducts(products, [...new Set(lines.map(({ productId }) => productId))]);
  const offered = lines.map((line) => toOfferLine(line, found('product', line.productId, byId.get(line.productId))));
  requireOneCurrency(offered, of);
  // Only a quote becomes a project.
  if (of === 'quote') requireDeliverable(offered);
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
  if (missing.length > 0) throw notFound('product', missing);
  const deleted = ids.filter((id) => byId.get(id)?.deleteTime !== undefined);
  if (deleted.length > 0) throw new Deleted('product', deleted);
  return byId;
}

/**
 * Computes the price of lines with the calculator. Net and total are each rounded once, from their exact values.
 *
 * @throws TotalOutOfRange, Unavailable
 */
export async function priceLines(calculator: Calculator, { lines, ...percents }: PricedLines): Promise<Price> {
  const currency = lines[0]?.unitPrice.currency ?? '';
  const digits = digitsOf(currency);
  const { net, total } = priceExpressions(await subtotalOf(calculator, lines), percents);
  // Without tax the total is the net.
  const wanted = percents.taxRate.tenThousandths === 0n ? [net] : [net, total];
  const [netText = '', totalText = netText] = await Promise.all(wanted.map((one) => calculator.evaluate(one, digits)));
  const price = { net: fromDecimal(currency, netText), total: fromDecimal(currency, totalText) };
  if (!isRepresentable(price.total)) throw new TotalOutOfRange(`${totalText} ${currency}`);
  return price;
}

/** An expression of the subtotal. If it would be too long, its parts are evaluated exactly first. */
async function subtotalOf(calculator: Calculator, lines: readonly PricedLine[]): Promise<string> {
  const parts = subtotalExpressions(lines);
  const values = parts.length === 1 ? parts : await Promise.all(parts.map((part) => calculator.evaluate(part)));
  return values.join('+');
}
