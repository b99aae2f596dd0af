import type { CalendarDate, Stored } from '@rondo/resources/domain';
import { OrderBeforeQuote, QuoteAccepting, type Shortage } from './errors.js';
import type { Price, PricedLine, PricedLines, PriceRequest } from './offer.js';
import type { Quote } from './quote.js';
import type { Reader } from './stored.js';

/** The state of an order; cancelled is final. */
export type OrderState = 'placed' | 'cancelled';

/** A sale. */
export interface Order extends Stored, PricedLines<PricedLine> {
  /** The accepted quote; undefined for an order that was placed without one. */
  readonly quoteId: string | undefined;
  readonly customerId: string;
  readonly orderDate: CalendarDate;
  readonly price: Price;
  /** `projects/{id}`: the project that delivers it. Undefined until project management has confirmed the project. */
  readonly project: string | undefined;
  readonly state: OrderState;
  /** The salesperson of the customer; the database sets it. */
  readonly salesperson: string;
}

/** An order before it is stored. */
export type OrderDraft = Omit<Order, Exclude<keyof Stored, 'id'> | 'project' | 'state' | 'salesperson'>;

/** An order before it is priced. */
export interface OrderRequest extends PriceRequest {
  readonly customerId: string;
  readonly orderDate: CalendarDate;
}

/** Stores orders and appends each change of them for watchers. A quote has at most one order. */
export interface OrderStore extends Reader<Order> {
  add(order: OrderDraft): Promise<Order>;
  /**
   * Adds an order without a quote, takes its stock and stores the reply for repetitions of the call, all in one statement
   * outside a transaction.
   */
  place<R extends object>(order: OrderDraft, placing: Placing<R>): Promise<Placement<R>>;
  /** Records the project that delivers a quote's order. The first project stays. */
  recordProject(quoteId: string, project: string): Promise<void>;
  /** Cancels a locked order. */
  cancel(id: string): Promise<Order>;
}

/** What it takes to place an order. */
export interface Placing<R> {
  /** The products' versions at the time of pricing, by id. */
  readonly versions: ReadonlyMap<string, bigint>;
  readonly createTime: Date;
  /** The reply for the order that is placed. */
  readonly toReply: (order: Order) => R;
}

/** The outcome of placing an order. Unless it is `placed`, nothing was stored. */
export type Placement<R> =
  | { readonly kind: 'placed'; readonly reply: R }
  | { readonly kind: 'short'; readonly shortages: readonly Shortage[] }
  /** A product was changed or deleted since it was priced, or the customer was deleted. */
  | { readonly kind: 'stale' }
  /** An earlier call with the same key has placed an order. */
  | { readonly kind: 'repeated' };

/** The order that a quote becomes. @throws OrderBeforeQuote */
export function orderOf(quote: Quote, id: string, orderDate: CalendarDate): OrderDraft {
  const { id: quoteId, customerId, quoteDate, discount, taxRate, price } = quote;
  if (orderDate < quoteDate) throw new OrderBeforeQuote(quoteId, { orderDate, quoteDate });
  const lines = quote.lines.map(({ deliveryEffortMinutes: _, ...line }) => line);
  return { id, quoteId, customerId, lines, discount, taxRate, price, orderDate };
}

/** Checks that the order can be cancelled: its project, if it gets one, is confirmed. @throws QuoteAccepting */
export function requireSettled({ quoteId, project }: Order): void {
  if (quoteId !== undefined && project === undefined) throw new QuoteAccepting(quoteId);
}
