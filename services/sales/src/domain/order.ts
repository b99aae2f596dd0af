import type { CalendarDate } from './calendar-date.js';
import { OrderBeforeQuote, QuoteAccepting } from './errors.js';
import type { Price, PricedLine, PricedLines, PriceRequest } from './offer.js';
import type { Quote } from './quote.js';
import type { Stored } from './stored.js';

/** Where an order stands; cancelled is final. */
export type OrderState = 'placed' | 'cancelled';

/** A sale. */
export interface Order extends Stored, PricedLines<PricedLine> {
  /** What was accepted; undefined for an order without a quote. */
  readonly quoteId: string | undefined;
  readonly customerId: string;
  readonly orderDate: CalendarDate;
  readonly price: Price;
  /** `projects/{id}`: what delivers it; undefined until the project is there for everybody to see. */
  readonly project: string | undefined;
  readonly state: OrderState;
}

/** An order that isn't stored yet. */
export type OrderDraft = Omit<Order, Exclude<keyof Stored, 'id'> | 'project' | 'state'>;

/** An order that a customer asks for. */
export interface OrderRequest extends PriceRequest {
  readonly customerId: string;
  readonly orderDate: CalendarDate;
}

/** The order that a quote becomes. @throws OrderBeforeQuote */
export function orderOf(quote: Quote, id: string, orderDate: CalendarDate): OrderDraft {
  const { id: quoteId, customerId, quoteDate, discount, taxRate, price } = quote;
  if (orderDate < quoteDate) throw new OrderBeforeQuote(quoteId, { orderDate, quoteDate });
  const lines = quote.lines.map(({ deliveryEffortMinutes: _, ...line }) => line);
  return { id, quoteId, customerId, lines, discount, taxRate, price, orderDate };
}

/** An order whose project isn't confirmed yet can't be cancelled. @throws QuoteAccepting */
export function requireSettled({ quoteId, project }: Order): void {
  if (quoteId !== undefined && project === undefined) throw new QuoteAccepting(quoteId);
}
