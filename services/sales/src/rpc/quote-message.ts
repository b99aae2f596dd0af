import {
  type AcceptQuoteRequest,
  type CreateQuoteRequest,
  type DeleteQuoteRequest,
  Quote as QuoteMessage,
  QuoteState as QuoteStateMessage,
  type UpdateQuoteRequest,
} from '@rondo/contracts/sales/v1/quotes';
import {
  type Etagged,
  etagOf,
  type List,
  readEtag,
  readRequestKey,
  readUpdateMask,
  toDateMessage,
} from '@rondo/resources';
import { type FieldAt, validate } from '@rondo/rpc/status';
import type { CalendarDate } from '../domain/calendar-date.js';
import { subtract } from '../domain/money.js';
import { nameOf } from '../domain/names.js';
import type { Quote, QuoteDraft, QuoteState } from '../domain/quote.js';
import type { RequestKey } from '../domain/request-key.js';
import type { ChangesSinceRead } from '../domain/stored.js';
import type { AcceptRequest } from '../usecases/accept-quote.js';
import type { QuoteUpdate } from '../usecases/update-quote.js';
import { readPastDate } from './dates.js';
import { readLines, readPriceRequest, toLineMessage } from './lines.js';
import { toMoneyMessage } from './money.js';
import { nameField } from './name-field.js';
import { readName } from './names.js';
import { readPercent, toPercentMessage } from './percent.js';

/** Quotes, as they are listed. */
export const QUOTES: List = {
  collection: 'quotes',
  fields: {
    customer: nameField('customer'),
    state: { kind: 'enum', values: ['OPEN', 'ACCEPTING', 'ACCEPTED'] },
    quote_date: { kind: 'date' },
    create_time: { kind: 'timestamp' },
  },
};

/** A quote's state, as the contract has it. */
const QUOTE_STATE_MESSAGES = {
  open: QuoteStateMessage.QUOTE_STATE_OPEN,
  accepting: QuoteStateMessage.QUOTE_STATE_ACCEPTING,
  accepted: QuoteStateMessage.QUOTE_STATE_ACCEPTED,
} as const satisfies Record<QuoteState, QuoteStateMessage>;

/** How many changes of state a quote in it has behind it. */
const STATE_CHANGES = { open: 0n, accepting: 1n, accepted: 2n } as const satisfies Record<QuoteState, bigint>;

const NOTHING = QuoteMessage.fromPartial({});

/** What `CreateQuote` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readCreate(
  { quote = NOTHING, requestId }: CreateQuoteRequest,
  today: CalendarDate,
): { readonly draft: QuoteDraft; readonly key: RequestKey | undefined } {
  return validate((field) => {
    const asked = {
      customerId: readName(field('quote.customer'), 'customer', quote.customer),
      ...readPriceRequest(inQuote(field), quote),
      quoteDate: readPastDate(field('quote.quote_date'), quote.quoteDate, today),
    };
    // As it was asked: a repetition after midnight is the same request, although its day would be another one.
    const key = readRequestKey(field('request_id'), requestId, asked);
    return { draft: { ...asked, quoteDate: asked.quoteDate ?? today }, key };
  });
}

/** What `UpdateQuote` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readUpdate({ quote = NOTHING, updateMask }: UpdateQuoteRequest, today: CalendarDate): QuoteUpdate {
  return validate((field) => {
    const { lines, discountPercent, taxPercent, quoteDate } = quote;
    const has = readUpdateMask(field('update_mask'), updateMask, {
      lines: lines.length > 0,
      discount_percent: discountPercent !== undefined,
      tax_percent: taxPercent !== undefined,
      quote_date: quoteDate !== undefined,
    });
    const day = field('quote.quote_date');
    return {
      id: readName(field('quote.name'), 'quote', quote.name),
      changes: readEtag(field('quote.etag'), quote.etag, etaggedOf),
      change: {
        ...(has('lines') && { lines: readLines(inQuote(field), lines) }),
        ...(has('discount_percent') && { discount: readPercent(field('quote.discount_percent'), discountPercent) }),
        ...(has('tax_percent') && { taxRate: readPercent(field('quote.tax_percent'), taxPercent) }),
        ...(has('quote_date') && { quoteDate: readPastDate(day, quoteDate, today) ?? today }),
      },
    };
  });
}

/** What `DeleteQuote` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readDelete({ name, etag }: DeleteQuoteRequest): {
  readonly id: string;
  readonly changes: ChangesSinceRead<Quote>;
} {
  return validate((field) => ({
    id: readName(field('name'), 'quote', name),
    changes: readEtag(field('etag'), etag, etaggedOf),
  }));
}

/** What `AcceptQuote` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readAccept({ name, etag, orderDate }: AcceptQuoteRequest, today: CalendarDate): AcceptRequest {
  return validate((field) => ({
    quoteId: readName(field('name'), 'quote', name),
    orderDate: readPastDate(field('order_date'), orderDate, today) ?? today,
    changes: readEtag(field('etag'), etag, etaggedOf),
  }));
}

function inQuote(field: FieldAt): FieldAt {
  return (path) => field(`quote.${path}`);
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
    quoteDate: toDateMessage(quote.quoteDate),
    createTime: quote.createTime,
    updateTime: quote.updateTime,
    deleteTime: quote.deleteTime,
    etag: etagOf(etaggedOf(quote)),
    order: quote.orderId === undefined ? '' : nameOf('order', quote.orderId),
  };
}

/** Fields keep their order for ever: etags that people hold depend on it. */
function etaggedOf({ version, lines, discount, taxRate, quoteDate, state, deleteTime }: Quote): Etagged {
  const changeable = { lines, discount_percent: discount, tax_percent: taxRate, quote_date: quoteDate };
  return { version: version + STATE_CHANGES[state], fields: { ...changeable, state, delete_time: deleteTime } };
}
