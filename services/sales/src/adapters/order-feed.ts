import type { FeedSource } from '@rondo/resources/sql';
import { type PayloadFields, payloadFields } from '@rondo/sync';
import type { PricedLine } from '../domain/offer.js';
import type { Order, OrderState } from '../domain/order.js';
import { formatPercent } from '../domain/percent.js';
import { bytesOf, toPercent } from './lines.js';
import { ORDERS, type OrderRow, toOrder } from './order-rows.js';
import { SALESPERSON_SIGHT } from './salespeople.js';

/** How orders are watched. The statements that write them append their changes, without a trigger. */
export const ORDER_FEED: FeedSource<OrderRow, Order> = {
  table: 'orders',
  select: ORDERS,
  key: 'sequence',
  keyOf: ({ sequence }) => sequence,
  toItem: toOrder,
  sizeOf: bytesOf,
  partOf: { column: 'customer_id', field: 'customer' },
  sight: SALESPERSON_SIGHT,
  parse: parseOrder,
};

/** The topic of the changes of orders. */
export const ORDERS_TOPIC = 'orders';

/**
 * SQL of the payload for watchers, in which the database adds the order's sequence.
 *
 * @param param the placeholder of the JSON of {@link orderJson}.
 */
export const payloadSql = (param: string): string =>
  `${param}::jsonb || jsonb_build_object('sequence', sequence::text)`;

/**
 * The JSON of an order for watchers, without its sequence. The keys are short, as each change is stored for a while.
 */
export function orderJson(order: Order): string {
  return JSON.stringify({
    id: order.id,
    quote: order.quoteId ?? '',
    customer: order.customerId,
    date: order.orderDate,
    state: order.state,
    discount: formatPercent(order.discount),
    tax: formatPercent(order.taxRate),
    currency: order.price.total.currency,
    net: order.price.net.minorUnits.toString(),
    total: order.price.total.minorUnits.toString(),
    project: order.project ?? '',
    salesperson: order.salesperson,
    version: order.version.toString(),
    lines: order.lines.map(({ productId, quantity, discount, title, unitPrice }) => ({
      product: productId,
      quantity: quantity.toString(),
      discount: formatPercent(discount),
      title,
      price: unitPrice.minorUnits.toString(),
    })),
    create_time: order.createTime.toISOString(),
    update_time: order.updateTime.toISOString(),
  });
}

/** The order in a change. */
function parseOrder({ text, optional, whole, time, list }: PayloadFields): Order {
  const currency = text('currency');
  return {
    id: text('id'),
    quoteId: text('quote') || undefined,
    customerId: text('customer'),
    orderDate: text('date'),
    state: parseState(text('state')),
    discount: toPercent(text('discount')),
    taxRate: toPercent(text('tax')),
    price: { net: { currency, minorUnits: whole('net') }, total: { currency, minorUnits: whole('total') } },
    project: text('project') || undefined,
    salesperson: optional('salesperson') ?? '',
    version: whole('version'),
    lines: list('lines').map((line) => parseLine(line, currency)),
    createTime: time('create_time'),
    updateTime: time('update_time'),
  };
}

function parseLine(line: unknown, currency: string): PricedLine {
  const { text, whole } = payloadFields(line);
  return {
    productId: text('product'),
    quantity: whole('quantity'),
    discount: toPercent(text('discount')),
    title: text('title'),
    unitPrice: { currency, minorUnits: whole('price') },
  };
}

function parseState(text: string): OrderState {
  if (text === 'placed' || text === 'cancelled') return text;
  throw new TypeError(`"${text}" isn't a state of an order`);
}
