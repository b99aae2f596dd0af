import { OrderServiceDefinition, type CancelOrderRequest, Order as OrderMessage, OrderState as OrderStateMessage, type PlaceOrderRequest, type WatchOrdersRequest, type WatchOrdersResponse } from '@rondo/contracts/sales/v1/orders';
import { nextPageToken, readList, type Etagged, etagOf, type List, readEtag, readRequestKey, toDateMessage } from '@rondo/resources';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { validate } from '@rondo/rpc/status';
import type { Ports, OrderEvent, OrderWatch } from '../domain/ports.js';
import { cancelOrder, getOrder, listOrders, placeOrder, watchOrders, type Cancellation } from '../usecases/orders.js';
import { answered, toStatus } from './errors.js';
import { requireName, nameField, readName } from './names.js';
import type { CalendarDate } from '../domain/calendar-date.js';
import { subtract } from '../domain/money.js';
import { nameOf } from '../domain/names.js';
import type { Order, OrderRequest, OrderState } from '../domain/order.js';
import type { RequestKey } from '../domain/request-id.js';
import { readPastDate, readPriceRequest, toLineMessage, toPercentMessage } from './offer.js';
import { toMoneyMessage } from './money.js';

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

/** Orders, as they are listed. */
const ORDERS: List = {
  collection: 'orders',
  fields: {
    customer: nameField('customer'),
    quote: nameField('quote'),
    state: { kind: 'enum', values: ['PLACED', 'CANCELLED'] },
    order_date: { kind: 'date' },
    create_time: { kind: 'timestamp' },
  },
};

const ORDER_STATE_MESSAGES = {
  placed: OrderStateMessage.ORDER_STATE_PLACED,
  cancelled: OrderStateMessage.ORDER_STATE_CANCELLED,
} as const satisfies Record<OrderState, OrderStateMessage>;

const NOTHING = OrderMessage.fromPartial({});

/** What `PlaceOrder` asks for. @throws RpcError `INVALID_ARGUMENT` */
function readPlace(
  { order = NOTHING, requestId }: PlaceOrderRequest,
  today: CalendarDate,
): { readonly request: OrderRequest; readonly key: RequestKey | undefined } {
  return validate((field) => {
    const asked = {
      customerId: readName(field('order.customer'), 'customer', order.customer),
      ...readPriceRequest((path) => field(`order.${path}`), order),
      orderDate: readPastDate(field('order.order_date'), order.orderDate, today),
    };
    // As it was asked: a repetition after midnight is the same request, although its day would be another one.
    const key = readRequestKey(field('request_id'), requestId, asked);
    return { request: { ...asked, orderDate: asked.orderDate ?? today }, key };
  });
}

/** What `CancelOrder` asks for. @throws RpcError `INVALID_ARGUMENT` */
function readCancel({ name, etag }: CancelOrderRequest): Cancellation {
  return validate((field) => ({
    id: readName(field('name'), 'order', name),
    changes: readEtag(field('etag'), etag, etaggedOf),
  }));
}

/** What `WatchOrders` asks for. @throws RpcError `INVALID_ARGUMENT` */
function readWatch({ customer, resumeToken }: WatchOrdersRequest): Omit<OrderWatch, 'signal'> {
  return validate((field) => ({
    customerId: customer === '' ? undefined : readName(field('customer'), 'customer', customer),
    resumeToken,
  }));
}

/** What a watcher is told, as the contract has it. */
function toEventMessage(event: OrderEvent): WatchOrdersResponse {
  const { resumeToken } = event;
  if (event.kind === 'changed') {
    return { event: { $case: 'orderChanged', value: toOrderMessage(event.order) }, resumeToken };
  }
  const value = { orders: event.orders.map(toOrderMessage), more: event.more };
  return { event: { $case: 'snapshot', value }, resumeToken };
}

/** An order as the contract has it. */
export function toOrderMessage(order: Order): OrderMessage {
  const { net, total } = order.price;
  return {
    name: nameOf('order', order.id),
    quote: order.quoteId === undefined ? '' : nameOf('quote', order.quoteId),
    customer: nameOf('customer', order.customerId),
    lines: order.lines.map(toLineMessage),
    discountPercent: toPercentMessage(order.discount),
    taxPercent: toPercentMessage(order.taxRate),
    net: toMoneyMessage(net),
    tax: toMoneyMessage(subtract(total, net)),
    total: toMoneyMessage(total),
    project: order.project ?? '',
    state: ORDER_STATE_MESSAGES[order.state],
    orderDate: toDateMessage(order.orderDate),
    createTime: order.createTime,
    updateTime: order.updateTime,
    etag: etagOf(etaggedOf(order)),
  };
}

/** Fields keep their order for ever: etags that people hold depend on it. */
function etaggedOf({ version, state, project }: Order): Etagged {
  return { version, fields: { state, project } };
}
