import { planDelivery } from '../domain/delivery.js';
import type { Projects, Stores } from '../domain/ports.js';
import { found } from './found.js';

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
