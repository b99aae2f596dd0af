import { type DeliveryPlan, planDelivery } from '../domain/delivery.js';
import { AcceptancePending, Unavailable } from '../domain/errors.js';
import { type Order, orderOf } from '../domain/order.js';
import type { NewId, Ports, Projects, Stores } from '../domain/ports.js';
import { takeStock } from '../domain/product.js';
import type { Quote } from '../domain/quote.js';
import { found } from './found.js';

/** A quote and the order that it has become. */
export interface Acceptance {
  readonly quote: Quote;
  readonly order: Order;
}

/**
 * Turns a quote into an order and the project that delivers it, in three steps. Each is safe to repeat, so that calling
 * it again finishes what a failure left half done:
 *
 * 1. One transaction makes the order and takes the stock. The order is what says that this was done.
 * 2. The project is created under a request id that follows from the quote: there is never a second one.
 * 3. The project is recorded on the order.
 *
 * @throws NotFound, InsufficientStock, AcceptancePending, Unavailable
 */
export async function acceptQuote(
  { transact, projects, newId }: Pick<Ports, 'transact' | 'projects' | 'newId'>,
  quoteId: string,
): Promise<Acceptance> {
  const { quote, order, plan } = await transact((stores) => placeOrder(stores, quoteId, newId));
  if (order.project !== undefined) return accepted(quote, order);

  const project = await createProject(projects, plan);
  return accepted(quote, await transact(({ orders }) => orders.recordProject(order.id, project)));
}

/** Said by the order: another call may have finished it after the quote was read. */
function accepted(quote: Quote, order: Order): Acceptance {
  return { quote: { ...quote, state: 'accepted' }, order };
}

type Placed = Acceptance & { readonly plan: DeliveryPlan };

async function placeOrder({ quotes, customers, orders, products }: Stores, id: string, newId: NewId): Promise<Placed> {
  const quote = found('quote', id, await quotes.lock(id));
  const customer = found('customer', quote.customerId, await customers.find(quote.customerId));
  const plan = planDelivery(quote, customer);
  if (quote.orderId !== undefined) {
    return { quote, order: found('order', quote.orderId, await orders.find(quote.orderId)), plan };
  }
  const order = await orders.add(orderOf(quote, newId()));
  // Last, so that other buyers of these products wait for as little as possible.
  const wanted = [...new Set(order.lines.map(({ productId }) => productId))];
  await products.saveStock(takeStock(await products.lockAll(wanted), order.lines));
  return { quote: { ...quote, state: 'accepting', orderId: order.id }, order, plan };
}

/** The order stands by now: whoever can't go on is told so. */
async function createProject(projects: Projects, plan: DeliveryPlan): Promise<string> {
  try {
    return await projects.create(plan);
  } catch (error) {
    throw error instanceof Unavailable ? new AcceptancePending(plan.quoteId, error) : error;
  }
}
