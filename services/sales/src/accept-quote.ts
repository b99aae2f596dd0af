import { type Order, OrderState } from '@rondo/contracts/sales/v1/orders';
import { type AcceptQuoteRequest, type Quote, QuoteState } from '@rondo/contracts/sales/v1/quotes';
import type { Queries } from '@rondo/database';
import { readDate, readNamed, toDateMessage } from '@rondo/resources';
import { ConcurrentChange, Deleted } from '@rondo/resources/domain';
import { reading } from '@rondo/rpc/server';
import { checkBegun, dayOf, type SalesMethods, todayBy } from './context.js';
import { customers } from './customers.js';
import type { Delivery } from './delivery.js';
import { planDelivery } from './domain/delivery.js';
import { QuoteCancelled, QuoteMoved } from './domain/errors.js';
import { requireAcceptable } from './domain/quote.js';
import { takeStock } from './domain/stock.js';
import { errors } from './errors.js';
import { addOrder, orders } from './orders.js';
import { getOffered, lockOffered, type OfferedQuote, quotes } from './quotes.js';
import { moveReminder, type ReminderMethods } from './reminders.js';
import { readStocks, saveStock } from './stock.js';

/**
 * `AcceptQuote`: makes a quote's order here and its project at project management, in one distributed transaction: both or neither. A
 * quote gets one order and one project, also if many calls accept it at once.
 */
export const acceptQuote = (methods: SalesMethods & ReminderMethods, delivery: Pick<Delivery, 'deliver'>) =>
  reading(
    (request: AcceptQuoteRequest, field) => {
      const [day, today] = [readDate(field('order_date'), request.orderDate), todayBy(methods)];
      checkBegun(field, 'order_date', { day, today });
      return { ...readNamed(quotes, request, field), orderDate: day ?? today, today };
    },
    (request) => errors.withRpcErrors(accept({ ...methods, ...delivery }, request)),
  );

type AcceptMethods = SalesMethods & ReminderMethods & Pick<Delivery, 'deliver'>;

/** The quote to accept, its etag, the day of the order, and the present day in UTC. */
interface AcceptRequest {
  readonly name: string;
  readonly etag: string;
  readonly orderDate: string;
  readonly today: string;
}

/** An accepted quote and its order. */
interface Acceptance {
  readonly quote: Quote;
  readonly order: Order;
}

const MAX_ATTEMPTS = 5;

/**
 * @throws NotFound, Deleted, StaleEtag, QuoteCancelled, QuoteExpired, OrderBeforeQuote, InsufficientStock, DeliveryRefused,
 * ConcurrentChange, Unavailable
 */
async function accept(methods: AcceptMethods, request: AcceptRequest): Promise<Acceptance> {
  const { database } = methods;
  const { name } = request;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const before = await findAccepted(database, name);
    if (before !== undefined) return before;
    try {
      await acceptOnce(methods, request);
    } catch (error) {
      if (error instanceof QuoteMoved) continue;
      return await findDespite(database, name, error);
    }
    const accepted = await findAccepted(database, name);
    if (accepted === undefined) throw new TypeError(`${name} has no order after its acceptance`);
    return accepted;
  }
  throw new ConcurrentChange();
}

/**
 * The acceptance if the quote is accepted in spite of an error; otherwise it throws the error. Another call may have
 * accepted the quote first and taken the stock, or this call's commit may have succeeded without its response.
 */
async function findDespite(queries: Queries, name: string, refusal: unknown): Promise<Acceptance> {
  const accepted = await findAccepted(queries, name).catch(() => {
    throw refusal;
  });
  if (accepted === undefined) throw refusal;
  return accepted;
}

async function findAccepted(queries: Queries, name: string): Promise<Acceptance | undefined> {
  const quote = await quotes.get(queries, name);
  if (quote.order === '') return undefined;
  const order = await orders.get(queries, quote.order);
  if (order.state === OrderState.ORDER_STATE_CANCELLED) throw new QuoteCancelled(name, order.name);
  // The project may have been confirmed after the quote was read.
  const isBehind = quote.state === QuoteState.QUOTE_STATE_ACCEPTING && order.project !== '';
  return { quote: isBehind ? await quotes.get(queries, name) : quote, order };
}

/** Checks all local rules before the distributed transaction begins. */
async function acceptOnce(methods: AcceptMethods, request: AcceptRequest): Promise<void> {
  const { database, deliver, newId } = methods;
  const { name, etag } = request;
  const offered = await getOffered(database, name);
  const { quote, lines } = offered;
  quotes.requireLive(quote);
  quotes.requireEtag(quote, etag);
  const customer = await customers.getLive(database, quote.customer);
  const days = { quoteDate: dayOf(quote.quoteDate) ?? '', validUntil: dayOf(quote.validUntilDate) };
  requireAcceptable(name, days, request);
  await stocksAfter(database, quote);
  const [id, orderId] = [quotes.idsIn(name)[0] ?? '', newId()];
  const orderDate = toDateMessage(request.orderDate);
  await deliver(planDelivery({ id, lines }, customer, orderId), (tx) =>
    makeOrder(tx, offered, { ...methods, name: orders.nameOf(orderId), orderDate }),
  );
}

/** This service's part of the transaction. It runs after project management has prepared its part. */
async function makeOrder(
  tx: Queries,
  planned: OfferedQuote,
  { name, orderDate, ...methods }: ReminderMethods & Pick<Order, 'name' | 'orderDate'>,
): Promise<void> {
  const { quote, lines } = await lockOffered(tx, planned.quote.name);
  if (quote.order !== '' || quote.etag !== planned.quote.etag) throw new QuoteMoved(quote.name);
  await customers.getLive(tx, quote.customer);
  const { customer, discountPercent, taxPercent, net, total } = quote;
  await addOrder(tx, { name, quote: quote.name, customer, orderDate, discountPercent, taxPercent, net, total }, lines);
  await moveReminder(methods, tx, { name: quote.name, from: dayOf(quote.validUntilDate) });
  // This comes last, so that the locks on the products are held for a short time.
  await saveStock(tx, await stocksAfter(tx, quote, 'lock'), { reason: 'ORDERED', reference: name });
}

/** The stocks of a quote's products without what it needs. @throws Deleted, InsufficientStock */
async function stocksAfter(queries: Queries, { lines }: Quote, lock?: 'lock'): Promise<ReadonlyMap<string, bigint>> {
  const stocks = await readStocks(
    queries,
    lines.map(({ product }) => product),
    lock,
  );
  const deleted = stocks.filter(({ isDeleted }) => isDeleted).map(({ name }) => name);
  if (deleted.length > 0) throw new Deleted(deleted, 'product');
  return takeStock(stocks, lines);
}
