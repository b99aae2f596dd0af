import type { Money } from './money.js';
import type { Need } from './product.js';
import type { Quote } from './quote.js';

/** A sale. */
export interface Order {
  readonly id: string;
  readonly quoteId: string;
  readonly customerId: string;
  readonly lines: readonly Need[];
  readonly total: Money;
  /** `projects/{id}`: what delivers it; undefined until the project exists. */
  readonly project: string | undefined;
  readonly createTime: Date;
}

/** An order that isn't stored yet. */
export type OrderDraft = Omit<Order, 'project' | 'createTime'>;

/** The order that a quote becomes. */
export function orderOf(quote: Quote, id: string): OrderDraft {
  const lines = quote.lines.map(({ productId, quantity }) => ({ productId, quantity }));
  return { id, quoteId: quote.id, customerId: quote.customerId, lines, total: quote.price.total };
}
