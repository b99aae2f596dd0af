import { columnsOf } from '@rondo/resources/sql';
import type { PricedLine } from '../domain/offer.js';
import type { Order, OrderState, OrderDraft } from '../domain/order.js';
import { toPercent } from './lines.js';
import type { SqlValue } from '@rondo/database';
import { formatPercent } from '../domain/percent.js';

/** An order, and its lines by column, in their order. */
export interface OrderRow {
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
  readonly version: bigint;
  readonly create_time: Date;
  readonly update_time: Date;
  readonly product_ids: readonly string[];
  readonly quantities: readonly bigint[];
  readonly discounts: readonly string[];
  readonly titles: readonly string[];
  readonly unit_prices_minor: readonly string[];
}

const COLUMNS = columnsOf('orders', [
  ...['sequence', 'id', 'quote_id', 'customer_id', 'order_date', 'state', 'discount_percent', 'tax_percent'],
  ...['currency', 'net_minor', 'total_minor', 'project', 'version', 'create_time', 'update_time'],
]);

const LINES = columnsOf('lines', ['product_ids', 'quantities', 'discounts', 'titles', 'unit_prices_minor']);

/** Orders with their lines. */
export const ORDERS = `
  SELECT ${COLUMNS}, ${LINES}
  FROM orders CROSS JOIN LATERAL (
    SELECT
      array_agg(product_id ORDER BY position) AS product_ids,
      array_agg(quantity ORDER BY position) AS quantities,
      array_agg(discount_percent ORDER BY position) AS discounts,
      array_agg(title ORDER BY position) AS titles,
      array_agg(unit_price_minor ORDER BY position) AS unit_prices_minor
    FROM order_lines WHERE order_id = orders.id
  ) AS lines`;

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
    state: row.state,
    version: row.version,
    createTime: row.create_time,
    updateTime: row.update_time,
  };
}

function linesOf({ currency, product_ids, ...columns }: OrderRow): readonly PricedLine[] {
  return product_ids.map((productId, index) => ({
    productId,
    quantity: columns.quantities[index] ?? 0n,
    discount: toPercent(columns.discounts[index] ?? ''),
    title: columns.titles[index] ?? '',
    unitPrice: { currency, minorUnits: BigInt(columns.unit_prices_minor[index] ?? '') },
  }));
}

/** The columns of an order that are given to it. */
export const ORDER_COLUMNS =
  'id, quote_id, customer_id, order_date, discount_percent, tax_percent, currency, net_minor, total_minor';

/** Their values. */
export function orderParams(order: OrderDraft): readonly SqlValue[] {
  const { net, total } = order.price;
  const percents = [formatPercent(order.discount), formatPercent(order.taxRate)];
  const amounts = [total.currency, net.minorUnits, total.minorUnits];
  return [order.id, order.quoteId ?? null, order.customerId, order.orderDate, ...percents, ...amounts];
}

/** The lines by column: product, quantity, discount, title, price. */
export function lineParams(lines: readonly PricedLine[]): readonly SqlValue[] {
  return [
    lines.map(({ productId }) => productId),
    lines.map(({ quantity }) => quantity),
    lines.map(({ discount }) => formatPercent(discount)),
    lines.map(({ title }) => title),
    lines.map(({ unitPrice }) => unitPrice.minorUnits),
  ];
}
