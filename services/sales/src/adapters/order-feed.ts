import type { Transaction } from '@rondo/database';
import { InvalidResumeToken, type Sync, WatchAborted, WatchUnavailable, payloadFields } from '@rondo/sync';
import { ForeignResumeToken, WatcherTooSlow, WatchInterrupted } from '../domain/errors.js';
import type { Order, OrderState } from '../domain/order.js';
import type { OrderFeed } from '../domain/ports.js';
import { ORDERS, type OrderRow, toOrder } from './order-rows.js';
import type { PricedLine } from '../domain/offer.js';
import { formatPercent } from '../domain/percent.js';
import { toPercent } from './lines.js';

/** So many orders of a hundred lines each still fit into a message of 4 MiB. */
const PART = 100;

const NEXT_PART = `
  ${ORDERS} WHERE orders.sequence > $1 AND ($2::text IS NULL OR orders.customer_id = $2)
  ORDER BY orders.sequence LIMIT ${PART}`;

/** The orders as they are and as they become, over all replicas. */
export function createOrderFeed(sync: Pick<Sync, 'watch'>): OrderFeed {
  return {
    async *watch({ customerId, resumeToken, signal }) {
      const filter = customerId === undefined ? undefined : filterOf(customerId);
      const snapshot = (transaction: Transaction) => readOrders(transaction, customerId);
      try {
        for await (const event of sync.watch({ topic: ORDERS_TOPIC, resumeToken, signal, filter, snapshot })) {
          if (event.kind === 'change') {
            yield { kind: 'changed', order: parseOrder(event.payload), resumeToken: event.resumeToken };
          } else {
            yield { kind: 'snapshot', orders: event.part, more: !event.last, resumeToken: event.resumeToken ?? '' };
          }
        }
      } catch (error) {
        throw toWatchError(error);
      }
    },
  };
}

function filterOf(customerId: string) {
  return { name: `customer ${customerId}`, accepts: (payload: unknown) => customerIn(payload) === customerId };
}

/** All orders, the oldest first, in parts; of none at all one that is empty. */
async function* readOrders(transaction: Transaction, customerId: string | undefined): AsyncGenerator<readonly Order[]> {
  for (let after = 0n; ; ) {
    const rows = await transaction.query<OrderRow>(NEXT_PART, [after, customerId ?? null]);
    const last = rows.at(-1);
    if (last !== undefined || after === 0n) yield rows.map(toOrder);
    if (last === undefined || rows.length < PART) return;
    after = last.sequence;
  }
}

function toWatchError(error: unknown): unknown {
  if (error instanceof InvalidResumeToken) return new ForeignResumeToken();
  if (error instanceof WatchAborted) return new WatcherTooSlow(error);
  return error instanceof WatchUnavailable ? new WatchInterrupted(error) : error;
}

/** The topic that orders are told under. */
export const ORDERS_TOPIC = 'orders';

/** What of an order is known before it is stored. */
type UntimedOrder = Omit<Order, 'createTime' | 'updateTime'>;

/** An order as it is told to watchers, without its times: names are short, as each change is kept for a while. */
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

/** An order as it is told to watchers. */
export function timedOrderJson(order: Order): object {
  const times = { create_time: order.createTime.toISOString(), update_time: order.updateTime.toISOString() };
  return { ...orderJson(order), ...times };
}

/** Whose the order is that is told of. */
function customerIn(payload: unknown): string {
  return payloadFields(payload).text('customer');
}

/** The order that is told of. @throws TypeError where it is none. */
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
  throw new TypeError(`"${text}" is no state of an order`);
}
