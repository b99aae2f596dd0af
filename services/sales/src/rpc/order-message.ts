import type { Order as OrderMessage } from '@rondo/contracts/sales/v1/orders';
import { nameOf } from '../domain/names.js';
import type { Order } from '../domain/order.js';
import { toMoneyMessage } from './money.js';

/** An order as the contract has it. */
export function toOrderMessage({ id, quoteId, customerId, lines, total, project, createTime }: Order): OrderMessage {
  return {
    name: nameOf('order', id),
    quote: nameOf('quote', quoteId),
    customer: nameOf('customer', customerId),
    lines: lines.map(({ productId, quantity }) => ({ product: nameOf('product', productId), quantity })),
    total: toMoneyMessage(total),
    project: project ?? '',
    createTime,
  };
}
