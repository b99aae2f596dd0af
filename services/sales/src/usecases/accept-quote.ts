import { type CalendarDate, type ChangedSince, ConcurrentChange, requireUnchanged } from '@rondo/resources/domain';
import { planDelivery } from '../domain/delivery.js';
import { Deleted, QuoteCancelled, QuoteMoved } from '../domain/errors.js';
import { nameOf } from '../domain/names.js';
import { type Order, type OrderDraft, orderOf } from '../domain/order.js';
import type { Ports, Stores } from '../domain/ports.js';
import { type Need, type Product, takeStock } from '../domain/product.js';
import { type Quote, requireValid } from '../domain/quote.js';
import { found, live } from '../domain/stored.js';

type AcceptPorts = Pick<Ports, 'stores' | 'distributedTransact' | 'newId'>;

/** The quote to accept, the day of the order, and the etag to check. */
export interface AcceptRequest {
  readonly quoteId: string;
  readonly orderDate: CalendarDate;
  /** The day before the present one in UTC. */
  readonly yesterday: CalendarDate;
  readonly changedSince: ChangedSince<Quote>;
}

/** An accepted quote and its order. */
interface Acceptance {
  readonly quote: Quote;
  readonly order: Order;
}

const MAX_ATTEMPTS = 5;

/**
 * Makes a quote's order here and its project at project management, in one distributed transaction: both or neither. A
 * quote gets one order and one project, also if many calls accept it at once.
 *
 * @throws NotFound, Deleted, StaleEtag, QuoteCancelled, QuoteExpired, OrderBeforeQuote, InsufficientStock, DeliveryRefused, ConcurrentChange,
 * Unavailable
 */
export async function acceptQuote(ports: AcceptPorts, request: AcceptRequest): Promise<Acceptance> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const before = await findAccepted(ports.stores, request.quoteId);
    if (before !== undefined) return before;
    try {
      await acceptOnce(ports, request);
    } catch (error) {
      if (error instanceof QuoteMoved) continue;
      return await findDespite(ports.stores, request.quoteId, error);
    }
    return found('quote', request.quoteId, await findAccepted(ports.stores, request.quoteId));
  }
  throw new ConcurrentChange();
}

/**
 * The acceptance if the quote is accepted in spite of an error; otherwise it throws the error. Another call may have
 * accepted the quote first and taken the stock, or this call's commit may have succeeded without its response.
 */
async function findDespite(stores: Stores, quoteId: string, refusal: unknown): Promise<Acceptance> {
  const accepted = await findAccepted(stores, quoteId).catch(() => {
    throw refusal;
  });
  if (accepted === undefined) throw refusal;
  return accepted;
}

async function findAccepted({ quotes, orders }: Stores, quoteId: string): Promise<Acceptance | undefined> {
  const quote = found('quote', quoteId, await quotes.find(quoteId));
  if (quote.orderId === undefined) return undefined;
  const order = found('order', quote.orderId, await orders.find(quote.orderId));
  if (order.state === 'cancelled') throw new QuoteCancelled(quoteId, order.id);
  // The state comes from the order, as its project may have been confirmed after the quote was read.
  return { quote: { ...quote, state: order.project === undefined ? 'accepting' : 'accepted' }, order };
}

/** Checks all local rules before the distributed transaction begins. */
async function acceptOnce({ stores, distributedTransact, newId }: AcceptPorts, request: AcceptRequest): Promise<void> {
  const quote = found('quote', request.quoteId, await stores.quotes.find(request.quoteId));
  requireUnchanged(nameOf('quote', quote.id), live('quote', quote), request.changedSince);
  const customer = await stores.customers.findLive(quote.customerId);
  requireValid(quote, request.orderDate, request.yesterday);
  const order = orderOf(quote, newId(), request.orderDate);
  takeStock(requireAllLive(await stores.products.findAll(productsOf(order))), order.lines);
  await distributedTransact(planDelivery(quote, customer, order.id), (local) => addOrder(local, quote, order));
}

/** This service's part of the transaction. It runs after project management has prepared its part. */
async function addOrder({ quotes, customers, orders, products }: Stores, planned: Quote, order: OrderDraft) {
  const quote = found('quote', planned.id, await quotes.lock(planned.id));
  if (quote.orderId !== undefined || quote.version !== planned.version) throw new QuoteMoved(planned.id);
  await customers.findLive(quote.customerId);
  await orders.add(order);
  // This comes last, so that the locks on the products are held for a short time.
  const taken = takeStock(requireAllLive(await products.lockAll(productsOf(order))), order.lines);
  await products.saveStock(taken, { reason: 'ORDERED', reference: nameOf('order', order.id) });
}

function productsOf({ lines }: { readonly lines: readonly Need[] }): readonly string[] {
  return [...new Set(lines.map(({ productId }) => productId))];
}

function requireAllLive(products: readonly Product[]): readonly Product[] {
  const deleted = products.filter(({ deleteTime }) => deleteTime !== undefined).map(({ id }) => id);
  if (deleted.length > 0) throw new Deleted('product', deleted);
  return products;
}
