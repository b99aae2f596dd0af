import { MixedCurrencies } from './errors.js';
import type { Money } from './money.js';
import type { Percent } from './percent.js';

/** A requested line. */
export interface LineDraft {
  readonly productId: string;
  readonly quantity: bigint;
  /** The discount on this line alone. */
  readonly discount: Percent;
}

/** A line with a copy of the product's title and price at the time of pricing. */
export interface PricedLine extends LineDraft {
  readonly title: string;
  readonly unitPrice: Money;
}

/** A priced line with the work to deliver one piece of the product. */
export interface OfferLine extends PricedLine {
  readonly deliveryEffortMinutes: bigint;
}

/** Lines and the percentages that apply to all of them. */
export interface PricedLines<Line extends LineDraft = PricedLine> {
  /** At least one, all in one currency. */
  readonly lines: readonly Line[];
  readonly discount: Percent;
  readonly taxRate: Percent;
}

/** The price of an offer. */
export interface Price {
  /** After discounts, before tax. */
  readonly net: Money;
  readonly total: Money;
}

/** @throws MixedCurrencies if the lines are in different currencies. */
export function requireOneCurrency(lines: readonly PricedLine[], of: 'quote' | 'order'): void {
  const expected = lines[0]?.unitPrice.currency ?? '';
  const foreign = lines
    .map(({ productId, unitPrice: { currency } }, index) => ({ index, productId, currency }))
    .filter(({ currency }) => currency !== expected);
  if (foreign.length > 0) throw new MixedCurrencies(of, foreign, expected);
}
