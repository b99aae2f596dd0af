import { cutBySize, toWatchError } from '@rondo/resources/sql';
import { type KeyedRows, type KeyedSnapshot, payloadFields, type Sync, type WatchFilter } from '@rondo/sync';
import type { PricedLine } from '../domain/offer.js';
import type { Order, OrderFeed, OrderState, OrderWatch } from '../domain/order.js';
import { formatPercent } from '../domain/percent.js';
import { bytesOf, toPercent } from './lines.js';
import { ORDERS, type OrderRow, toOrder } from './order-rows.js';

/** How many orders are read at once. They are sent in one message if they fit. */
const PART = 100;

/** A part along one index: that of all orders, of a customer's, or of a salesperson's. */
const nextPart = (condition: string) => `
  ${ORDERS} WHERE ${condition} orders.sequence > $1 ORDER BY orders.sequence LIMIT ${PART}`;
const NEXT = nextPart('');
const NEXT_OF_CUSTOMER = nextPart('orders.customer_id = $2 AND');
const NEXT_OF_SALESPERSON = nextPart('orders.salesperson = $2 AND');
const NEXT_OF_BOTH = nextPart('orders.customer_id = $2 AND orders.salesperson = $3 AND');

/** Streams the orders and their changes from all replicas. */
export function createOrderFeed(sync: Pick<Sync, 'watch'>): OrderFeed {
  return {
    async *watch(watch) {
      const { watcher, resumeToken, signal } = watch;
      const filter = filterOf(watch);
      const snapshot = watch.fromNow ? noOrders : snapshotOf(watch);
      try {
        // A handover to or from the watcher ends the round: the next one begins with a snapshot.
        for (let token: string | undefined = resumeToken; token !== undefined; ) {
          const events = sync.watch({ topic: ORDERS_TOPIC, resumeToken: token, signal, filter, snapshot });
          token = undefined;
          for await (const event of events) {
            if (event.kind === 'snapshot') {
              const { part: orders, first, last, resumeToken: reached = '' } = event;
              yield { kind: 'snapshot', orders, first, more: !last, resumeToken: reached };
            } else if (!isHandover(event.payload)) {
              yield { kind: 'changed', order: parseOrder(event.payload), resumeToken: event.resumeToken };
            } else if (watcher?.salesperson !== undefined) {
              token = '';
              break;
            }
          }
        }
      } catch (error) {
        throw toWatchError(error, 'the same orders');
      }
    },
  };
}

/**
 * The changes that a watch gets. Its name has everything that narrows them, as a resume token is valid for the same ones only:
 * also whether the watch began without a snapshot.
 */
function filterOf({ customerId, watcher, fromNow }: OrderWatch): WatchFilter {
  const salesperson = watcher?.salesperson;
  const parts = [fromNow ? 'from now' : '', customerId ? `customer ${customerId}` : '', watcher?.identity ?? ''];
  return {
    name: parts.every((part) => part === '') ? '' : JSON.stringify(parts),
    accepts: (payload) =>
      (customerId === undefined || customerIn(payload) === customerId) &&
      (salesperson === undefined || salespeopleIn(payload).includes(salesperson)),
  };
}

/** The salesperson of an order, or both of a handover. */
function salespeopleIn(payload: unknown): readonly (string | null)[] {
  const { optional } = payloadFields(payload);
  return isHandover(payload) ? [optional('from'), optional('to')] : [optional('salesperson')];
}

/** Whether a payload says that a customer has another salesperson now. Migration 0010 appends it. */
function isHandover(payload: unknown): boolean {
  return typeof payload === 'object' && payload !== null && 'handover' in payload;
}

async function* noOrders(): AsyncGenerator<readonly Order[]> {
  yield [];
}

/** The orders along their sequence. */
function snapshotOf(watch: OrderWatch): KeyedSnapshot<readonly Order[]> {
  const { sql, params } = partQuery(watch);
  return {
    async readAfter(transaction, key) {
      const rows = await transaction.query<OrderRow>(sql, [key, ...params]);
      return { parts: [...partsOf(rows, key)], last: rows.length < PART };
    },
    // A handover changes orders of all parts: it is told, whatever part the watch is at.
    keyOf: (payload) => BigInt(payloadFields(payload).optional('sequence') ?? 0),
  };
}

function partQuery({ customerId, watcher }: OrderWatch): { sql: string; params: readonly string[] } {
  const salesperson = watcher?.salesperson;
  if (customerId !== undefined && salesperson !== undefined) {
    return { sql: NEXT_OF_BOTH, params: [customerId, salesperson] };
  }
  if (customerId !== undefined) return { sql: NEXT_OF_CUSTOMER, params: [customerId] };
  return salesperson === undefined ? { sql: NEXT, params: [] } : { sql: NEXT_OF_SALESPERSON, params: [salesperson] };
}

function* partsOf(rows: readonly OrderRow[], after: bigint): Generator<KeyedRows<readonly Order[]>['parts'][number]> {
  const orders = rows.map((row) => ({ key: row.sequence, order: toOrder(row) }));
  for (const part of cutBySize(orders, ({ order }) => bytesOf(order))) {
    yield { part: part.map(({ order }) => order), lastKey: part.at(-1)?.key ?? after };
  }
}

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

/** The customer's id in a payload. */
function customerIn(payload: unknown): string {
  return payloadFields(payload).text('customer');
}

/** The order in a payload. @throws TypeError if the payload isn't an order. */
function parseOrder(payload: unknown): Order {
  const { text, optional, whole, time, list } = payloadFields(payload);
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
