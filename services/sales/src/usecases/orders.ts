import {
  type ChangedSince,
  ConcurrentChange,
  type ListQuery,
  type Page,
  requireUnchanged,
} from '@rondo/resources/domain';
import { InsufficientStock } from '../domain/errors.js';
import { nameOf } from '../domain/names.js';
import { type Order, type OrderRequest, type Placement, requireSettled } from '../domain/order.js';
import type { Ports, Stores } from '../domain/ports.js';
import { returnStock } from '../domain/product.js';
import { found } from '../domain/stored.js';
import { makeOffer } from './offer.js';

/** One order. @throws NotFound */
export async function getOrder({ stores }: Pick<Ports, 'stores'>, id: string): Promise<Order> {
  return found('order', id, await stores.orders.find(id));
}

/** One page of the orders, the newest first. */
export function listOrders({ lists }: Pick<Ports, 'lists'>, query: ListQuery): Promise<Page<Order>> {
  return lists.orders.list(query);
}

type OrderPorts = Pick<Ports, 'stores' | 'calculator' | 'newId' | 'now'>;

const MAX_ATTEMPTS = 5;

/**
 * Places an order at the products' present prices. It tries again if a product has changed between its pricing and the order.
 *
 * @throws NotFound, Deleted, MixedCurrencies, TotalOutOfRange, InsufficientStock, ConcurrentChange, Unavailable
 */
export async function placeOrder<R extends object>(
  ports: OrderPorts,
  request: OrderRequest,
  toReply: (order: Order) => R,
): Promise<R> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const placement = await placeOnce(ports, request, toReply);
    if (placement.kind === 'placed') return placement.reply;
    if (placement.kind === 'short') throw new InsufficientStock(placement.shortages);
    if (placement.kind === 'repeated') break;
    // The statement that places the order also checks the customer. This finds out what is wrong with it.
    await ports.stores.customers.findLive(request.customerId);
  }
  throw new ConcurrentChange();
}

async function placeOnce<R extends object>(
  { stores, calculator, newId, now }: OrderPorts,
  request: OrderRequest,
  toReply: (order: Order) => R,
): Promise<Placement<R>> {
  const { products, orders } = stores;
  const { versions, ...offer } = await makeOffer({ products, calculator }, request, 'order');
  const lines = offer.lines.map(({ deliveryEffortMinutes: _, ...line }) => line);
  const { customerId, orderDate } = request;
  const order = { ...offer, lines, id: newId(), quoteId: undefined, customerId, orderDate };
  return orders.place(order, { versions, createTime: now(), toReply });
}

/** The order to cancel, and the etag to check. */
export interface Cancellation {
  readonly id: string;
  readonly changedSince: ChangedSince<Order>;
}

/**
 * Cancels an order and returns its stock. Its project is archived soon after. A cancelled order is returned as it is.
 *
 * @throws NotFound, StaleEtag, QuoteAccepting
 */
export function cancelOrder({ transact }: Pick<Ports, 'transact'>, { id, changedSince }: Cancellation): Promise<Order> {
  return transact(async ({ orders, products, outbox }) => {
    const order = found('order', id, await orders.lock(id));
    if (order.state === 'cancelled') return order;
    requireUnchanged(nameOf('order', id), order, changedSince);
    requireSettled(order);
    const cancelled = await orders.cancel(id);
    if (order.project !== undefined) await outbox.withdraw(order, order.project);
    await returnToStock(products, order);
    return cancelled;
  });
}

/** This comes last, so that the locks on the products are held for a short time. */
async function returnToStock(products: Stores['products'], { id, lines }: Order): Promise<void> {
  const locked = await products.lockAll([...new Set(lines.map(({ productId }) => productId))]);
  const cause = { reason: 'ORDER_CANCELLED', reference: nameOf('order', id) } as const;
  await products.saveStock(returnStock(locked, lines), cause);
}
