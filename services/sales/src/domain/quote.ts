import type { CalendarDate } from './calendar-date.js';
import { WrongQuoteState } from './errors.js';
import type { OfferLine, Price, PricedLines, PriceRequest } from './offer.js';
import type { Deletable, StoredOnly } from './stored.js';

/** Where a quote stands. */
export type QuoteState = 'open' | 'accepting' | 'accepted';

/** An offer. */
export interface Quote extends Deletable, PricedLines<OfferLine> {
  readonly customerId: string;
  readonly quoteDate: CalendarDate;
  readonly price: Price;
  readonly state: QuoteState;
  /** Once it is being accepted. */
  readonly orderId: string | undefined;
}

/** A quote that a customer asks for. */
export interface QuoteDraft extends PriceRequest {
  readonly customerId: string;
  readonly quoteDate: CalendarDate;
}

/** What of a quote is to be changed; undefined for what stays. */
export type QuoteChange = Partial<Omit<QuoteDraft, 'customerId'>>;

/** A quote with its price that isn't stored yet. */
export type PricedQuote = Omit<Quote, Exclude<StoredOnly, 'id'> | 'state' | 'orderId'>;

/** A quote that can still be changed. @throws WrongQuoteState */
export function requireOpen(quote: Quote): Quote {
  if (quote.state !== 'open') throw new WrongQuoteState(quote.id, quote.state);
  return quote;
}
