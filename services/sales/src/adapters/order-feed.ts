import type { Transaction } from '@rondo/database';
import { cutBySize, inParts, toWatchError } from '@rondo/resources/sql';
import { payloadFields, type Sync } from '@rondo/sync';
import type { PricedLine } from '../domain/offer.js';
import type { Order, OrderFeed, OrderState } from '../domain/order.js';
import { formatPercent } from '../domain/percent.js';
import { bytesOf, toPercent } from './lines.js';
import { ORDERS, type OrderRow, toOrder } from './order-rows.js';

/** How many orders are read at once. They are sent in one message if they fit. */
const PART = 100;

const NEXT_PART = `
  ${ORDERS} WHERE orders.sequence > $1 AND ($2::text IS NULL OR orders.customer_id = $2)
  ORDER BY orders.sequence LIMIT ${PART}`;

/** Streams the orders and their changes from all replicas. */
export function createOrderFeed(sync: Pick<Sync, 'watch'>): OrderFeed {
  return {
    async *watch({ customerId, resumeToken, signal }) {
      const filter = customerId === undefined ? undefined : filterOf(customerId);
      const snapshot = async function* (transaction: Transaction) {
        const read = (after: bigint) => transaction.query<OrderRow>(NEXT_PART, [after, customerId ?? null]);
        for await (const rows of inParts(PART, read)) yield* cutBySize(rows.map(toOrder), bytesOf);
      };
      try {
        for await (const event of sync.watch({ topic: ORDERS_TOPIC, resumeToken, signal, filter, snapshot })) {
          if (event.kind === 'change') {
            yield { kind: 'changed', order: parseOrder(event.payload), resumeToken: event.resumeToken };
          } else {
            yield { kind: 'snapshot', orders: event.part, more: !event.last, resumeToken: event.resumeToken ?? '' };
          }
        }
      } catch (error) {
        throw toWatchError(error, 'the same orders');
      }
    },
  };
}

function filterOf(customerId: string) {
  return { name: `customer ${customerId}`, accepts: (payload: unknown) => customerIn(payload) === customerId };
}

/** The topic of the changes of orders. */
export const ORDERS_TOPIC = 'orders';

/** An order without its times, which the database sets. */
type UntimedOrder = Omit<Order, 'createTime' | 'updateTime'>;

/**
 * The payload of an order for watchers, without its times. The keys are short, as each change is stored for a while.
 */
export function orderJson(order: UntimedOrder): object {
  return {
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
    version: order.version.toString(),
    lines: order.lines.map(({ productId, quantity, discount, title, unitPrice }) => ({
      product: productId,
      quantity: quantity.toString(),
      discount: formatPercent(discount),
      title,
      price: unitPrice.minorUnits.toString(),
    })),
  };
}

/** The payload of an order for watchers. */
export function timedOrderJson(order: Order): object {
  const times = { create_time: order.createTime.toISOString(), update_time: order.updateTime.toISOString() };
  return { ...orderJson(order), ...times };
}

/** The customer's id in a payload. */
function customerIn(payload: unknown): string {
  return payloadFields(payload).text('customer');
}

/** The order in a payload. @throws TypeError if the payload isn't an order. */
function parseOrder(payload: unknown): Order {
  const { text, whole, time, list } = payloadFields(payload);
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
