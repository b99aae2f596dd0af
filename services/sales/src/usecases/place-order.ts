import { ConcurrentChange, InsufficientStock } from '../domain/errors.js';
import type { Order, OrderRequest } from '../domain/order.js';
import type { Placement, Ports } from '../domain/ports.js';
import { callOf, type KeyedCall, type RequestKey } from '../domain/request-key.js';
import { live } from '../domain/stored.js';
import { found } from './found.js';
import { makeOffer } from './offer.js';

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
