import { MixedCurrencies } from './errors.js';
import type { Money } from './money.js';
import type { Percent } from './percent.js';
import type { Product } from './product.js';

/** A line that a customer asks for. */
export interface LineDraft {
  readonly productId: string;
  readonly quantity: bigint;
  /** Off this line. */
  readonly discount: Percent;
}

/** Some of one product, as the product was when it was priced. */
export interface PricedLine extends LineDraft {
  readonly title: string;
  readonly unitPrice: Money;
}

/** A line of an offer: with the work that one of the product takes to deliver. */
export interface OfferLine extends PricedLine {
  readonly deliveryEffortMinutes: bigint;
}

/** Lines and the percentages that make their price. */
export interface PricedLines<Line extends LineDraft = PricedLine> {
  /** At least one, all of one currency. */
  readonly lines: readonly Line[];
  readonly discount: Percent;
  readonly taxRate: Percent;
}

/** What a customer asks the price of. */
export type PriceRequest = PricedLines<LineDraft>;

/** What a customer pays. */
export interface Price {
  /** After discounts, before tax. */
  readonly net: Money;
  readonly total: Money;
}

/** A line with its product as it is now. */
export function toOfferLine(line: LineDraft, { title, unitPrice, deliveryEffortMinutes }: Product): OfferLine {
  return { ...line, title, unitPrice, deliveryEffortMinutes };
}

/** @throws MixedCurrencies where lines are of different currencies. */
export function requireOneCurrency(lines: readonly PricedLine[], of: 'quote' | 'order'): void {
  const expected = lines[0]?.unitPrice.currency ?? '';
  const foreign = lines
    .map(({ productId, unitPrice: { currency } }, index) => ({ index, productId, currency }))
    .filter(({ currency }) => currency !== expected);
  if (foreign.length > 0) throw new MixedCurrencies(of, foreign, expected);
}
