import { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { nextPageToken, readList } from '@rondo/resources';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { validate } from '@rondo/rpc/status';
import type { Ports } from '../domain/ports.js';
import { cancelOrder } from '../usecases/cancel-order.js';
import { getOrder } from '../usecases/get-order.js';
import { listOrders } from '../usecases/list-orders.js';
import { placeOrder } from '../usecases/place-order.js';
import { watchOrders } from '../usecases/watch-orders.js';
import { answered, toStatus } from './errors.js';
import { requireName } from './names.js';
import { ORDERS, readCancel, readPlace, readWatch, toEventMessage, toOrderMessage } from './order-message.js';

/** `sales.v1.OrderService`. */
export function orderService(ports: Ports): ServiceImplementation {
  return implement(OrderServiceDefinition, {
    async placeOrder(request) {
      const { request: asked, key } = readPlace(request, ports.today());
      return toOrderMessage(await answered(placeOrder(ports, asked, key)));
    },
    async cancelOrder(request) {
      return toOrderMessage(await answered(cancelOrder(ports, readCancel(request))));
    },
    async getOrder({ name }) {
      return toOrderMessage(await answered(getOrder(ports, requireName('order', name))));
    },
    async listOrders(request) {
      const { items, next } = await answered(
        listOrders(
          ports,
          validate((field) => readList(field, ORDERS, request)),
        ),
      );
      return { orders: items.map(toOrderMessage), nextPageToken: nextPageToken(ORDERS, request, next) };
    },
    async *watchOrders(request, { signal }) {
      const watch = { ...readWatch(request), signal };
      try {
        for await (const event of watchOrders(ports, watch)) yield toEventMessage(event);
      } catch (error) {
        throw toStatus(error);
      }
    },
  });
}
