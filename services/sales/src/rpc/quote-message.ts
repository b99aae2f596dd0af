import {
  type CreateQuoteRequest,
  type QuoteLine as QuoteLineMessage,
  Quote as QuoteMessage,
  QuoteState as QuoteStateMessage,
} from '@rondo/contracts/sales/v1/quotes';
import { checked, type FieldAt, validate } from '@rondo/rpc/status';
import { subtract } from '../domain/money.js';
import { nameOf } from '../domain/names.js';
import type { Quote, QuoteDraft, QuoteLine, QuoteLineDraft, QuoteState } from '../domain/quote.js';
import type { RequestKey } from '../domain/request-key.js';
import { lineCountFault, quantityFault } from '../domain/rules.js';
import { toMoneyMessage } from './money.js';
import { readName } from './names.js';
import { readPercent, toPercentMessage } from './percent.js';
import { readRequestKey } from './request-keys.js';

/** A quote's state, as the contract has it. */
const QUOTE_STATE_MESSAGES = {
  open: QuoteStateMessage.QUOTE_STATE_OPEN,
  accepting: QuoteStateMessage.QUOTE_STATE_ACCEPTING,
  accepted: QuoteStateMessage.QUOTE_STATE_ACCEPTED,
} as const satisfies Record<QuoteState, QuoteStateMessage>;

/** What `CreateQuote` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readCreate({ quote = QuoteMessage.fromPartial({}), requestId }: CreateQuoteRequest): {
  readonly draft: QuoteDraft;
  readonly key: RequestKey | undefined;
} {
  return validate((field) => {
    const { customer, lines, discountPercent, taxPercent } = quote;
    checked(field('quote.lines'), lines.length, lineCountFault);
    const draft = {
      customerId: readName(field('quote.customer'), 'customer', customer),
      lines: lines.map((line, index) => readLine((path) => field(`quote.lines[${index}].${path}`), line)),
      discount: readPercent(field('quote.discount_percent'), discountPercent),
      taxRate: readPercent(field('quote.tax_percent'), taxPercent),
    };
    return { draft, key: readRequestKey(field('request_id'), { method: 'CreateQuote', requestId, asked: draft }) };
  });
}

function readLine(field: FieldAt, { product, quantity, discountPercent }: QuoteLineMessage): QuoteLineDraft {
  return {
    productId: readName(field('product'), 'product', product),
    quantity: checked(field('quantity'), quantity, quantityFault),
    discount: readPercent(field('discount_percent'), discountPercent),
  };
}

/** A quote as the contract has it. */
export function toQuoteMessage(quote: Quote): QuoteMessage {
  const { net, total } = quote.price;
  return {
    name: nameOf('quote', quote.id),
    customer: nameOf('customer', quote.customerId),
    lines: quote.lines.map(toLineMessage),
    discountPercent: toPercentMessage(quote.discount),
    taxPercent: toPercentMessage(quote.taxRate),
    net: toMoneyMessage(net),
    tax: toMoneyMessage(subtract(total, net)),
    total: toMoneyMessage(total),
    state: QUOTE_STATE_MESSAGES[quote.state],
    createTime: quote.createTime,
    order: quote.orderId === undefined ? '' : nameOf('order', quote.orderId),
  };
}

function toLineMessage({ productId, quantity, discount, unitPrice, title }: QuoteLine): QuoteLineMessage {
  return {
    product: nameOf('product', productId),
    quantity,
    discountPercent: toPercentMessage(discount),
    unitPrice: toMoneyMessage(unitPrice),
    title,
  };
}
