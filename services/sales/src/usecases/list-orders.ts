import type { Order } from '../domain/order.js';
import type { Page, PageQuery } from '../domain/page.js';
import type { Ports } from '../domain/ports.js';

/** A page of the orders, the newest first. */
export function listOrders({ stores }: Pick<Ports, 'stores'>, query: PageQuery): Promise<Page<Order>> {
  return stores.orders.list(query);
}
