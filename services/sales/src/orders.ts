import { Order, OrderServiceDefinition, OrderState } from '@rondo/contracts/sales/v1/orders';
import type { Queries } from '@rondo/database';
import { appendSql, type Column, defineResource, reference, standardMethods } from '@rondo/resources';
import type { SalesMethods } from './context.js';
import { SALESPERSON } from './customers.js';
import type { OfferLine } from './domain/offer.js';
import { OFFER_COLUMNS } from './offer-columns.js';
import { orderLines } from './offer-lines.js';

/** The state of an order in the database. */
const stored = (state: OrderState): string => (state === OrderState.ORDER_STATE_CANCELLED ? 'cancelled' : 'placed');

const STATE: Column<OrderState> = {
  names: ['state'],
  types: ["text NOT NULL DEFAULT 'placed'"],
  write: (state) => [stored(state)],
  read: ([text]) => (text === 'cancelled' ? OrderState.ORDER_STATE_CANCELLED : OrderState.ORDER_STATE_PLACED),
  filter: { kind: 'enum', values: ['PLACED', 'CANCELLED'], prefix: 'ORDER_STATE_' },
};

/** The names of columns in changes, which are short, as each change is stored for a while. */
const CHANGED: Readonly<Record<string, string>> = {
  quote_id: 'quote',
  customer_id: 'customer',
  order_date: 'date',
  discount_percent: 'discount',
  tax_percent: 'tax',
  net_minor: 'net',
  total_minor: 'total',
};

/** Orders: the purchases of customers. `place-order.ts` and `accept-quote.ts` make them. */
export const orders = defineResource(Order, {
  table: 'orders',
  columns: {
    ...OFFER_COLUMNS,
    quote: reference('quotes/{quote}', 'quote_id'),
    customer: reference('customers/{customer}', 'customer_id'),
    lines: orderLines.column,
    state: STATE,
  },
  filter: ['customer', 'quote', 'state', 'orderDate', 'createTime'],
  sort: ['createTime', 'orderDate'],
  visibleTo: SALESPERSON,
  list: { storedState: (state) => state.toLowerCase(), scannedBy: { field: 'customer', withState: 'both' } },
  derived: { columns: orderLines.derivedSql },
  changed: CHANGED,
  etag: { fields: ({ state, project }) => ({ state: stored(state), project: project || undefined }) },
});

/** The standard methods of orders. */
export const orderMethods = (methods: SalesMethods) => standardMethods(OrderServiceDefinition, orders, methods);

const TEXTS = [
  ...['id', 'quote_id', 'customer_id', 'order_date', 'state', 'discount_percent', 'tax_percent', 'currency'],
  ...['net_minor', 'total_minor', 'project', 'salesperson', 'version', 'sequence'],
];
const TIMES = ['create_time', 'update_time'];

/** The columns that a change has, besides the lines. */
export const CHANGE_COLUMNS = [...TEXTS, ...TIMES].join(', ');

/**
 * An INSERT that tells watchers an order. The statements that write orders do so, without a trigger.
 *
 * @param from has {@link CHANGE_COLUMNS}. @param lines is SQL of their JSON.
 */
export function appendOrderSql(from: string, lines: string): string {
  const texts = TEXTS.map((column) => `'${CHANGED[column] ?? column}', coalesce(${column}::text, '')`);
  const times = TIMES.map((column) => `'${column}', ${column}`);
  const payload = `jsonb_build_object(${[...texts, ...times].join(', ')}, 'lines', ${lines})`;
  return appendSql({ topic: "'orders'", payload, from });
}

const APPEND = appendOrderSql('orders WHERE id = $1', orderLines.jsonSql('order_lines WHERE order_id = $1'));

/** Adds the order that a quote becomes. */
export async function addOrder(
  tx: Queries,
  order: Partial<Order> & { readonly name: string },
  lines: readonly OfferLine[],
): Promise<void> {
  await orders.insert(tx, order);
  await orderLines.insert(tx, orders.idsIn(order.name)[0] ?? '', lines);
  await tx.query(APPEND, orders.idsIn(order.name));
}

/** Changes a locked order. */
export async function changeOrder(tx: Queries, present: Order, fields: Partial<Order>): Promise<Order> {
  const changed = await orders.update(tx, present, fields);
  await tx.query(APPEND, orders.idsIn(present.name));
  return changed;
}

/** Records the project that delivers the order of a quote. The first project stays. */
export async function recordProject(tx: Queries, quoteId: string, project: string): Promise<void> {
  const sql = `${orders.select} WHERE orders.quote_id = $1 AND orders.project IS NULL FOR NO KEY UPDATE OF orders`;
  const row = await tx.maybeOne<Record<string, unknown>>(sql, [quoteId]);
  if (row !== undefined) await changeOrder(tx, orders.toResource(row), { project });
}
