import type { CalendarDate, Deletable, StoredOnly } from '@rondo/resources/domain';
import { QuoteExpired, ValidBeforeQuote, WrongQuoteState } from './errors.js';
import type { OfferLine, Price, PricedLines, PriceRequest } from './offer.js';
import type { Deleter, Reader } from './stored.js';

/** The state of a quote. It is accepting while its order exists and its project isn't confirmed yet. */
export type QuoteState = 'open' | 'accepting' | 'accepted';

/** An offer to a customer, with prices. */
export interface Quote extends Deletable, PricedLines<OfferLine> {
  readonly customerId: string;
  readonly quoteDate: CalendarDate;
  /** The last day on which it can be accepted; undefined if it doesn't expire. */
  readonly validUntil: CalendarDate | undefined;
  readonly price: Price;
  readonly state: QuoteState;
  /** Set as soon as the quote is accepting. */
  readonly orderId: string | undefined;
}

/** A quote before it is priced. */
export interface QuoteDraft extends PriceRequest {
  readonly customerId: string;
  readonly quoteDate: CalendarDate;
  readonly validUntil: CalendarDate | undefined;
}

/** The fields that an update changes; the others are missing. */
export type QuoteChange = Partial<Omit<QuoteDraft, 'customerId'>>;

/** A quote with its price, before it is stored. */
export type PricedQuote = Omit<Quote, Exclude<StoredOnly, 'id'> | 'state' | 'orderId'>;

/** Stores quotes. */
export interface QuoteStore extends Reader<Quote>, Deleter<Quote> {
  add(quote: PricedQuote): Promise<Quote>;
  /** Replaces the content of a locked quote. */
  replace(quote: PricedQuote): Promise<Quote>;
}

/** The quote, which is open and so can be changed. @throws WrongQuoteState */
export function requireOpen(quote: Quote): Quote {
  if (quote.state !== 'open') throw new WrongQuoteState(quote.id, quote.state);
  return quote;
}

/** Checks the days of a quote. @throws ValidBeforeQuote */
export function requireValidPeriod({ quoteDate, validUntil }: Pick<Quote, 'quoteDate' | 'validUntil'>): void {
  if (validUntil !== undefined && validUntil < quoteDate) throw new ValidBeforeQuote(validUntil, quoteDate);
}

/**
 * Checks that the quote can be accepted on the day of the order. An order may have an earlier day, but none is made when the
 * last day is over everywhere.
 *
 * @param yesterday the day before the present one in UTC, which lasts longest west of Greenwich.
 * @throws QuoteExpired
 */
export function requireValid({ id, validUntil }: Quote, orderDate: CalendarDate, yesterday: CalendarDate): void {
  if (validUntil !== undefined && (orderDate > validUntil || yesterday > validUntil)) {
    throw new QuoteExpired(id, validUntil);
  }
}
