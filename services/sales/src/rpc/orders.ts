import { watchOf } from '@rondo/access';
import {
  type CancelOrderRequest,
  Order as OrderMessage,
  OrderServiceDefinition,
  OrderState as OrderStateMessage,
  type PlaceOrderRequest,
  type WatchOrdersResponse,
} from '@rondo/contracts/sales/v1/orders';
import {
  type Etagged,
  etagOf,
  type List,
  nameField,
  nextPageToken,
  readEtag,
  readList,
  toDateMessage,
} from '@rondo/resources';
import type { CalendarDate, ResourceEvent } from '@rondo/resources/domain';
import { implement, reading, type ServiceImplementation } from '@rondo/rpc/server';
import { type FieldAt, validate } from '@rondo/rpc/status';
import { subtract } from '../domain/money.js';
import { NAMES, nameOf } from '../domain/names.js';
import type { Order, OrderRequest, OrderState } from '../domain/order.js';
import type { Ports } from '../domain/ports.js';
import { type Cancellation, cancelOrder, getOrder, listOrders, placeOrder } from '../usecases/orders.js';
import { streamWithRpcErrors, withRpcErrors } from './errors.js';
import { toMoneyMessage } from './money.js';
import { idOf, optionalIdOf, readName } from './names.js';
import { readPastDate, readPriceRequest, toLineMessage, toPercentMessage, withToday } from './offer.js';

/** Implements `sales.v1.OrderService`. */
export function orderService(ports: Ports): ServiceImplementation {
  const today = withToday(ports);
  return implement(OrderServiceDefinition, {
    placeOrder: reading(today(readPlace), (order) => withRpcErrors(placeOrder(ports, order, toOrderMessage))),
    cancelOrder: reading(readCancel, async (cancellation) => {
      return toOrderMessage(await withRpcErrors(cancelOrder(ports, cancellation)));
    }),
    async getOrder({ name }) {
      return toOrderMessage(await withRpcErrors(getOrder(ports, idOf('order', name))));
    },
    async listOrders(request) {
      const query = validate((field) => readList(field, ORDERS, request));
      const { items, next } = await withRpcErrors(listOrders(ports, query));
      return { orders: items.map(toOrderMessage), nextPageToken: nextPageToken(ORDERS, request, next) };
    },
    watchOrders(request, call) {
      const watch = watchOf(request, call, optionalIdOf('customer', request.customer));
      return streamWithRpcErrors(ports.feeds.orders.watch(watch), toEventMessage);
    },
  });
}

/** The fields by which orders can be filtered and sorted. */
const ORDERS: List = {
  collection: 'orders',
  fields: {
    customer: nameField(NAMES.customer),
    quote: nameField(NAMES.quote),
    state: { kind: 'enum', values: ['PLACED', 'CANCELLED'] },
    order_date: { kind: 'date' },
    create_time: { kind: 'timestamp' },
  },
  sortable: ['create_time', 'order_date'],
};

const ORDER_STATE_MESSAGES = {
  placed: OrderStateMessage.ORDER_STATE_PLACED,
  cancelled: OrderStateMessage.ORDER_STATE_CANCELLED,
} as const satisfies Record<OrderState, OrderStateMessage>;

const EMPTY = OrderMessage.fromPartial({});

function readPlace({ order = EMPTY }: PlaceOrderRequest, field: FieldAt, today: CalendarDate): OrderRequest {
  return {
    customerId: readName(field('order.customer'), 'customer', order.customer),
    ...readPriceRequest((path) => field(`order.${path}`), order),
    orderDate: readPastDate(field('order.order_date'), order.orderDate, today) ?? today,
  };
}

function readCancel({ name, etag }: CancelOrderRequest, field: FieldAt): Cancellation {
  return {
    id: readName(field('name'), 'order', name),
    changedSince: readEtag(field('etag'), etag, etaggedOf),
  };
}

function toEventMessage(event: ResourceEvent<Order>): WatchOrdersResponse {
  const { resumeToken } = event;
  if (event.kind !== 'snapshot') {
    return { event: { $case: 'orderChanged', value: toOrderMessage(event.item) }, resumeToken };
  }
  const { items, first, more } = event;
  return { event: { $case: 'snapshot', value: { orders: items.map(toOrderMessage), first, more } }, resumeToken };
}

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

/** The order of these fields must never change: the etags that callers hold depend on it. */
function etaggedOf({ id, version, createTime, updateTime, state, project }: Order): Etagged {
  return { name: nameOf('order', id), version, createTime, updateTime, fields: { state, project } };
}
