import type { SqlValue } from '@rondo/database';
import { columnsOf, type Listing } from '@rondo/resources/sql';
import type { Order, OrderDraft, OrderState } from '../domain/order.js';
import { formatPercent } from '../domain/percent.js';
import { LINE_COLUMNS, type LineColumns, linesOf, selectLines, toPercent } from './lines.js';

/** A row of `orders` with the order's lines. */
export interface OrderRow extends LineColumns {
  readonly sequence: bigint;
  readonly id: string;
  readonly quote_id: string | null;
  readonly customer_id: string;
  readonly order_date: string;
  readonly state: OrderState;
  readonly discount_percent: string;
  readonly tax_percent: string;
  readonly currency: string;
  readonly net_minor: string;
  readonly total_minor: string;
  readonly project: string | null;
  readonly salesperson: string;
  readonly version: bigint;
  readonly create_time: Date;
  readonly update_time: Date;
}

const SELECTED = [
  ...['sequence', 'id', 'quote_id', 'customer_id', 'order_date', 'state', 'discount_percent', 'tax_percent'],
  ...['currency', 'net_minor', 'total_minor', 'project', 'salesperson', 'version'],
  ...['create_time', 'update_time'],
];

const LINES = columnsOf('lines', LINE_COLUMNS);

/** Joins an order with its lines. */
const joinOf = (order: string) =>
  `CROSS JOIN LATERAL (${selectLines(`order_lines WHERE order_id = ${order}.id`)}) AS lines`;

/** A SELECT of {@link OrderRow}, without a WHERE clause. */
export const ORDERS = `SELECT ${columnsOf('orders', SELECTED)}, ${LINES} FROM orders ${joinOf('orders')}`;

/** How orders are listed. */
export const LISTING: Listing = {
  table: 'orders',
  order: 'the newest first',
  selected: SELECTED,
  columns: {
    customer: 'customer_id',
    quote: 'quote_id',
    order_date: 'order_date',
    create_time: 'create_time',
  },
  sorted: { create_time: 'create_time', order_date: 'order_date' },
  sight: { value: 'salesperson', indexed: true },
  states: ['PLACED', 'CANCELLED'],
  storedState: (state) => state.toLowerCase(),
  scannedBy: { field: 'customer', withState: 'both' },
  beside: { columns: LINES, joins: joinOf('page') },
};

/** The order of a row. */
export function toOrder(row: OrderRow): Order {
  const { currency } = row;
  return {
    id: row.id,
    quoteId: row.quote_id ?? undefined,
    customerId: row.customer_id,
    orderDate: row.order_date,
    lines: linesOf(row),
    discount: toPercent(row.discount_percent),
    taxRate: toPercent(row.tax_percent),
    price: {
      net: { currency, minorUnits: BigInt(row.net_minor) },
      total: { currency, minorUnits: BigInt(row.total_minor) },
    },
    project: row.project ?? undefined,
    salesperson: row.salesperson,
    state: row.state,
    version: row.version,
    createTime: row.create_time,
    updateTime: row.update_time,
  };
}

/** The columns that an INSERT of an order sets. */
export const ORDER_COLUMNS =
  'id, quote_id, customer_id, order_date, discount_percent, tax_percent, currency, net_minor, total_minor';

/** The values of {@link ORDER_COLUMNS}. */
export function orderParams(order: OrderDraft): readonly SqlValue[] {
  const { net, total } = order.price;
  const percents = [formatPercent(order.discount), formatPercent(order.taxRate)];
  const amounts = [total.currency, net.minorUnits, total.minorUnits];
  return [order.id, order.quoteId ?? null, order.customerId, order.orderDate, ...percents, ...amounts];
}
