import { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import type { Ports } from '../domain/ports.js';
import { getOrder } from '../usecases/get-order.js';
import { listOrders } from '../usecases/list-orders.js';
import { answered } from './errors.js';
import { requireName } from './names.js';
import { toOrderMessage } from './order-message.js';
import { readPage, toPageToken } from './pages.js';

/** `sales.v1.OrderService`. */
export function orderService(ports: Ports): ServiceImplementation {
  return implement(OrderServiceDefinition, {
    async getOrder({ name }) {
      return toOrderMessage(await answered(getOrder(ports, requireName('order', name))));
    },
    async listOrders(request) {
      const { items, next } = await answered(listOrders(ports, readPage('orders', request)));
      return { orders: items.map(toOrderMessage), nextPageToken: toPageToken('orders', next) };
    },
  });
}
