import type { Money } from './money.js';
import type { Percent } from './percent.js';
import type { Product } from './product.js';

/** Where a quote stands. */
export type QuoteState = 'open' | 'accepting' | 'accepted';

/** An offer. What it offers never changes. */
export interface Quote {
  readonly id: string;
  readonly customerId: string;
  /** All of one currency. */
  readonly lines: readonly QuoteLine[];
  readonly discount: Percent;
  readonly taxRate: Percent;
  readonly price: QuotePrice;
  readonly state: QuoteState;
  /** Once it is being accepted. */
  readonly orderId: string | undefined;
  readonly createTime: Date;
}

/** Some of one product, as the product was when the quote was made. */
export interface QuoteLine extends QuoteLineDraft {
  readonly title: string;
  readonly unitPrice: Money;
  readonly deliveryEffortMinutes: bigint;
}

/** What a customer pays. */
export interface QuotePrice {
  /** After discounts, before tax. */
  readonly net: Money;
  readonly total: Money;
}

/** A quote that a customer asks for. */
export interface QuoteDraft extends Pick<Quote, 'customerId' | 'discount' | 'taxRate'> {
  readonly lines: readonly QuoteLineDraft[];
}

/** A line that a customer asks for. */
export interface QuoteLineDraft {
  readonly productId: string;
  readonly quantity: bigint;
  readonly discount: Percent;
}

/** A quote with its price that isn't stored yet. */
export type PricedQuote = Omit<Quote, 'state' | 'orderId' | 'createTime'>;

/** A line with its product as it is now. */
export function toQuoteLine(line: QuoteLineDraft, { title, unitPrice, deliveryEffortMinutes }: Product): QuoteLine {
  return { ...line, title, unitPrice, deliveryEffortMinutes };
}
