import type { CalendarDate } from '../domain/calendar-date.js';
import { planDelivery } from '../domain/delivery.js';
import { ConcurrentChange, Deleted, QuoteMoved } from '../domain/errors.js';
import { type Order, type OrderDraft, orderOf } from '../domain/order.js';
import type { Ports, Stores, Projects } from '../domain/ports.js';
import { type Need, type Product, takeStock } from '../domain/product.js';
import type { Quote } from '../domain/quote.js';
import { type ChangesSinceRead, live, requireAsRead } from '../domain/stored.js';
import { found } from './found.js';

type AcceptPorts = Pick<Ports, 'stores' | 'deliveries' | 'newId'>;

/** Which quote is accepted, when, and what it has to be like. */
export interface AcceptRequest {
  readonly quoteId: string;
  readonly orderDate: CalendarDate;
  readonly changes: ChangesSinceRead<Quote>;
}

/** A quote and the order that it has become. */
interface Acceptance {
  readonly quote: Quote;
  readonly order: Order;
}

const MAX_ATTEMPTS = 5;

/**
 * Turns a quote into an order here and a project at project management, in one transaction: both or neither. However often
 * and by how many at once it is asked for, there is one of each.
 *
 * @throws NotFound, Deleted, StaleEtag, OrderBeforeQuote, InsufficientStock, DeliveryRefused, ConcurrentChange, Unavailable
 */
export async function acceptQuote(ports: AcceptPorts, request: AcceptRequest): Promise<Acceptance> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const before = await findAccepted(ports.stores, request.quoteId);
    if (before !== undefined) return before;
    try {
      await acceptOnce(ports, request);
    } catch (error) {
      if (error instanceof QuoteMoved) continue;
      return await acceptedAllTheSame(ports.stores, request.quoteId, error);
    }
    return found('quote', request.quoteId, await findAccepted(ports.stores, request.quoteId));
  }
  throw new ConcurrentChange();
}

/** Another call may have been faster, and has taken what this one lacks; or this one has decided, and its answer is lost. */
async function acceptedAllTheSame(stores: Stores, quoteId: string, refusal: unknown): Promise<Acceptance> {
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
  // Said by the order: its project may have been confirmed after the quote was read.
  return { quote: { ...quote, state: order.project === undefined ? 'accepting' : 'accepted' }, order };
}

/** What can be refused here is refused before project management is asked. */
async function acceptOnce({ stores, deliveries, newId }: AcceptPorts, request: AcceptRequest): Promise<void> {
  const quote = found('quote', request.quoteId, await stores.quotes.find(request.quoteId));
  requireAsRead('quote', live('quote', quote), request.changes);
  const customer = live('customer', found('customer', quote.customerId, await stores.customers.find(quote.customerId)));
  const order = orderOf(quote, newId(), request.orderDate);
  takeStock(requireAllLive(await stores.products.findAll(productsOf(order))), order.lines);
  await deliveries.deliver(planDelivery(quote, customer), (deciding) => decide(deciding, quote, order));
}

/** Does what this service has to do, once project management is ready. */
async function decide({ quotes, customers, orders, products }: Stores, planned: Quote, order: OrderDraft) {
  const quote = found('quote', planned.id, await quotes.lock(planned.id));
  if (quote.orderId !== undefined || quote.version !== planned.version) throw new QuoteMoved(planned.id);
  live('customer', found('customer', quote.customerId, await customers.find(quote.customerId)));
  await orders.add(order);
  // Last, so that other buyers of these products wait for as little as possible.
  await products.saveStock(takeStock(requireAllLive(await products.lockAll(productsOf(order))), order.lines));
}

function productsOf({ lines }: { readonly lines: readonly Need[] }): readonly string[] {
  return [...new Set(lines.map(({ productId }) => productId))];
}

function requireAllLive(products: readonly Product[]): readonly Product[] {
  const deleted = products.filter(({ deleteTime }) => deleteTime !== undefined).map(({ id }) => id);
  if (deleted.length > 0) throw new Deleted('product', deleted);
  return products;
}

/**
 * Ends an acceptance that an earlier version of this service has left half done: its order is there, and its project may
 * be, under a request id that follows from the quote. It can be repeated.
 *
 * @throws Unavailable
 */
export async function finishAcceptance(
  { stores, projects }: { readonly stores: Stores; readonly projects: Pick<Projects, 'create'> },
  quoteId: string,
): Promise<void> {
  const { quotes, customers, orders } = stores;
  const quote = found('quote', quoteId, await quotes.find(quoteId));
  if (quote.state !== 'accepting') return;
  const customer = found('customer', quote.customerId, await customers.find(quote.customerId));
  await orders.recordProject(quoteId, await projects.create(planDelivery(quote, customer)));
}
