import type { ListQuery, Page } from '../domain/list.js';
import type { Order } from '../domain/order.js';
import type { Ports } from '../domain/ports.js';

/** A page of the orders, the newest first. */
export function listOrders({ stores }: Pick<Ports, 'stores'>, query: ListQuery): Promise<Page<Order>> {
  return stores.orders.list(query);
}
