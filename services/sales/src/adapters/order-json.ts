import { payloadFields } from '@rondo/sync';
import type { PricedLine } from '../domain/offer.js';
import type { Order, OrderState } from '../domain/order.js';
import { formatPercent } from '../domain/percent.js';
import { toPercent } from './percent-column.js';

/** The topic that orders are told under. */
export const ORDERS_TOPIC = 'orders';

/** What of an order is known before it is stored. */
export type UntimedOrder = Omit<Order, 'createTime' | 'updateTime'>;

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
export function customerIn(payload: unknown): string {
  return payloadFields(payload).text('customer');
}

/** The order that is told of. @throws TypeError where it is none. */
export function parseOrder(payload: unknown): Order {
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
