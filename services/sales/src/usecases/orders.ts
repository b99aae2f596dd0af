import { type Order, type OrderRequest, requireSettled } from '../domain/order.js';
import type { Ports, OrderEvent, OrderWatch, Placement, Stores } from '../domain/ports.js';
import { found } from './found.js';
import type { ListQuery, Page } from '../domain/list.js';
import { ConcurrentChange, InsufficientStock } from '../domain/errors.js';
import { callOf, type KeyedCall, type RequestKey } from '../domain/request-id.js';
import { live, type ChangesSinceRead, requireAsRead } from '../domain/stored.js';
import { makeOffer } from './offer.js';
import { returnStock } from '../domain/product.js';

/** One order. @throws NotFound */
export async function getOrder({ stores }: Pick<Ports, 'stores'>, id: string): Promise<Order> {
  return found('order', id, await stores.orders.find(id));
}

/** A page of the orders, the newest first. */
export function listOrders({ stores }: Pick<Ports, 'stores'>, query: ListQuery): Promise<Page<Order>> {
  return stores.orders.list(query);
}

/**
 * Follows orders: a snapshot, then each change after it, once and in order; or, with a token, each change after that.
 *
 * @throws ForeignResumeToken, WatcherTooSlow, WatchInterrupted, or the signal's reason.
 */
export function watchOrders({ feed }: Pick<Ports, 'feed'>, watch: OrderWatch): AsyncIterable<OrderEvent> {
  return feed.watch(watch);
}

type OrderPorts = Pick<Ports, 'stores' | 'calculator' | 'newId'>;

const MAX_ATTEMPTS = 5;

/**
 * Sells at the products' present prices, once for a key.
 *
 * @throws NotFound, Deleted, MixedCurrencies, TotalOutOfRange, InsufficientStock, RequestIdReused, ConcurrentChange,
 * Unavailable
 */
export async function placeOrder(
  ports: OrderPorts,
  request: OrderRequest,
  key: RequestKey | undefined,
): Promise<Order> {
  const call = callOf('PlaceOrder', key);
  try {
    return await place(ports, request, call);
  } catch (error) {
    // Only now: most orders are no repetitions. One that is may fail by what the first has taken, or for no calculator.
    if (call !== undefined && (await ports.stores.requests.has(call))) return ports.stores.orders.firstAnswer(call);
    throw error;
  }
}

/** Tries again where a product has changed between its pricing and the order. */
async function place(ports: OrderPorts, request: OrderRequest, call: KeyedCall | undefined): Promise<Order> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const placement = await placeOnce(ports, request, call);
    if (placement.kind === 'placed') return placement.order;
    if (placement.kind === 'short') throw new InsufficientStock(placement.shortages);
    if (placement.kind === 'repeated') break;
    // The order checks its customer by itself; here is where to say what is wrong with it.
    live('customer', found('customer', request.customerId, await ports.stores.customers.find(request.customerId)));
  }
  throw new ConcurrentChange();
}

async function placeOnce(
  { stores, calculator, newId }: OrderPorts,
  request: OrderRequest,
  call: KeyedCall | undefined,
): Promise<Placement> {
  const { products, orders } = stores;
  const { versions, ...offer } = await makeOffer({ products, calculator }, request, 'order');
  const lines = offer.lines.map(({ deliveryEffortMinutes: _, ...line }) => line);
  const { customerId, orderDate } = request;
  return orders.place({ ...offer, lines, id: newId(), quoteId: undefined, customerId, orderDate }, versions, call);
}

/** Which order is to be cancelled, and what it has to be like. */
export interface Cancellation {
  readonly id: string;
  readonly changes: ChangesSinceRead<Order>;
}

/**
 * Cancels an order and returns its stock; its project is withdrawn soon after. One that is cancelled already is returned
 * as it is.
 *
 * @throws NotFound, StaleEtag, QuoteAccepting, StockLimitExceeded
 */
export function cancelOrder({ transact }: Pick<Ports, 'transact'>, { id, changes }: Cancellation): Promise<Order> {
  return transact(async ({ orders, products, afterwards }) => {
    const order = found('order', id, await orders.lock(id));
    if (order.state === 'cancelled') return order;
    requireAsRead('order', order, changes);
    requireSettled(order);
    const cancelled = await orders.cancel(id);
    if (order.project !== undefined) await afterwards.withdraw(order, order.project);
    await putBack(products, order);
    return cancelled;
  });
}

/** Last, so that buyers of these products wait for as little as possible. */
async function putBack(products: Stores['products'], { lines }: Order): Promise<void> {
  const locked = await products.lockAll([...new Set(lines.map(({ productId }) => productId))]);
  await products.saveStock(returnStock(locked, lines));
}
