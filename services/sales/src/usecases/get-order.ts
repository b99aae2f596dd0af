import type { Order } from '../domain/order.js';
import type { Ports } from '../domain/ports.js';
import { found } from './found.js';

/** One order. @throws NotFound */
export async function getOrder({ stores }: Pick<Ports, 'stores'>, id: string): Promise<Order> {
  return found('order', id, await stores.orders.find(id));
}
