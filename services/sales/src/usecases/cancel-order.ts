import { type Order, requireSettled } from '../domain/order.js';
import type { Ports, Stores } from '../domain/ports.js';
import { returnStock } from '../domain/product.js';
import { type ChangesSinceRead, requireAsRead } from '../domain/stored.js';
import { found } from './found.js';

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
