import type { SqlValue } from '@rondo/database';
import type { PricedLine } from '../domain/offer.js';
import type { OrderDraft } from '../domain/order.js';
import { formatPercent } from '../domain/percent.js';

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
