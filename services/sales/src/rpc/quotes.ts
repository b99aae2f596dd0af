import { watchOf } from '@rondo/access';
import {
  type AcceptQuoteRequest,
  type CreateQuoteRequest,
  type DeleteQuoteRequest,
  Quote as QuoteMessage,
  QuoteServiceDefinition,
  QuoteState as QuoteStateMessage,
  type UpdateQuoteRequest,
  type WatchQuotesResponse,
} from '@rondo/contracts/sales/v1/quotes';
import {
  type Etagged,
  etagOf,
  type List,
  nameField,
  nextPageToken,
  readDate,
  readEtag,
  readList,
  readUpdateMask,
  toDateMessage,
} from '@rondo/resources';
import type { CalendarDate, ResourceEvent } from '@rondo/resources/domain';
import { implement, reading, type ServiceImplementation } from '@rondo/rpc/server';
import { type FieldAt, validate } from '@rondo/rpc/status';
import { subtract } from '../domain/money.js';
import { NAMES, nameOf } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import { type Quote, type QuoteDraft, type QuoteState, requireOpen } from '../domain/quote.js';
import { type AcceptRequest, acceptQuote } from '../usecases/accept-quote.js';
import { type Deletion, deleteResource, type Target, undeleteResource } from '../usecases/delete-resource.js';
import { createQuote, getQuote, listQuotes, type QuoteUpdate, updateQuote } from '../usecases/quotes.js';
import { streamWithRpcErrors, withRpcErrors } from './errors.js';
import { toMoneyMessage } from './money.js';
import { idOf, optionalIdOf, readName } from './names.js';
import {
  dayAfter,
  readLines,
  readPastDate,
  readPercent,
  readPriceRequest,
  toLineMessage,
  toPercentMessage,
  withToday,
} from './offer.js';
import { toOrderMessage } from './orders.js';

const QUOTE: Target<Quote> = { kind: 'quote', storeOf: ({ quotes }) => quotes, require: requireOpen };

/** Implements `sales.v1.QuoteService`. */
export function quoteService(ports: Ports): ServiceImplementation {
  const today = withToday(ports);
  return implement(QuoteServiceDefinition, {
    createQuote: reading(today(readCreate), (draft) => withRpcErrors(createQuote(ports, draft, toQuoteMessage))),
    async getQuote({ name }) {
      return toQuoteMessage(await withRpcErrors(getQuote(ports, idOf('quote', name))));
    },
    async listQuotes(request) {
      const query = validate((field) => readList(field, QUOTES, request));
      const { items, next } = await withRpcErrors(listQuotes(ports, query));
      return { quotes: items.map(toQuoteMessage), nextPageToken: nextPageToken(QUOTES, request, next) };
    },
    watchQuotes(request, call) {
      const watch = watchOf(request, call, optionalIdOf('customer', request.customer));
      return streamWithRpcErrors(ports.feeds.quotes.watch(watch), toEventMessage);
    },
    updateQuote: reading(today(readUpdate), async (update) => {
      return toQuoteMessage(await withRpcErrors(updateQuote(ports, update)));
    }),
    deleteQuote: reading(readDelete, async (deletion) => {
      return toQuoteMessage(await withRpcErrors(deleteResource(ports, QUOTE, deletion)));
    }),
    async undeleteQuote({ name }) {
      return toQuoteMessage(await withRpcErrors(undeleteResource(ports, QUOTE, idOf('quote', name))));
    },
    acceptQuote: reading(today(readAccept), async (acceptance) => {
      const { quote, order } = await withRpcErrors(acceptQuote(ports, acceptance));
      return { quote: toQuoteMessage(quote), order: toOrderMessage(order) };
    }),
  });
}

/** The fields by which quotes can be filtered and sorted. */
const QUOTES: List = {
  collection: 'quotes',
  fields: {
    customer: nameField(NAMES.customer),
    state: { kind: 'enum', values: ['OPEN', 'ACCEPTING', 'ACCEPTED'] },
    quote_date: { kind: 'date' },
    create_time: { kind: 'timestamp' },
  },
  sortable: ['create_time', 'quote_date'],
};

const QUOTE_STATE_MESSAGES = {
  open: QuoteStateMessage.QUOTE_STATE_OPEN,
  accepting: QuoteStateMessage.QUOTE_STATE_ACCEPTING,
  accepted: QuoteStateMessage.QUOTE_STATE_ACCEPTED,
} as const satisfies Record<QuoteState, QuoteStateMessage>;

/** How many changes of state a quote in this state has had. They are part of its etag, but not of its row's version. */
const STATE_CHANGES = { open: 0n, accepting: 1n, accepted: 2n } as const satisfies Record<QuoteState, bigint>;

const EMPTY = QuoteMessage.fromPartial({});

function readCreate({ quote = EMPTY }: CreateQuoteRequest, field: FieldAt, today: CalendarDate): QuoteDraft {
  return {
    customerId: readName(field('quote.customer'), 'customer', quote.customer),
    ...readPriceRequest(inQuote(field), quote),
    quoteDate: readPastDate(field('quote.quote_date'), quote.quoteDate, today) ?? today,
    validUntil: readDate(field('quote.valid_until_date'), quote.validUntilDate),
  };
}

function readUpdate(
  { quote = EMPTY, updateMask }: UpdateQuoteRequest,
  field: FieldAt,
  today: CalendarDate,
): QuoteUpdate {
  const { lines, discountPercent, taxPercent, quoteDate, validUntilDate } = quote;
  const has = readUpdateMask(field('update_mask'), updateMask, {
    lines: lines.length > 0,
    discount_percent: discountPercent !== undefined,
    tax_percent: taxPercent !== undefined,
    quote_date: quoteDate !== undefined,
    valid_until_date: validUntilDate !== undefined,
  });
  const day = field('quote.quote_date');
  return {
    id: readName(field('quote.name'), 'quote', quote.name),
    changedSince: readEtag(field('quote.etag'), quote.etag, etaggedOf),
    change: {
      ...(has('lines') && { lines: readLines(inQuote(field), lines) }),
      ...(has('discount_percent') && { discount: readPercent(field('quote.discount_percent'), discountPercent) }),
      ...(has('tax_percent') && { taxRate: readPercent(field('quote.tax_percent'), taxPercent) }),
      ...(has('quote_date') && { quoteDate: readPastDate(day, quoteDate, today) ?? today }),
      ...(has('valid_until_date') && { validUntil: readDate(field('quote.valid_until_date'), validUntilDate) }),
    },
  };
}

function readDelete({ name, etag }: DeleteQuoteRequest, field: FieldAt): Deletion<Quote> {
  return {
    id: readName(field('name'), 'quote', name),
    changedSince: readEtag(field('etag'), etag, etaggedOf),
  };
}

function readAccept({ name, etag, orderDate }: AcceptQuoteRequest, field: FieldAt, today: CalendarDate): AcceptRequest {
  return {
    quoteId: readName(field('name'), 'quote', name),
    orderDate: readPastDate(field('order_date'), orderDate, today) ?? today,
    yesterday: dayAfter(today, -1),
    changedSince: readEtag(field('etag'), etag, etaggedOf),
  };
}

function inQuote(field: FieldAt): FieldAt {
  return (path) => field(`quote.${path}`);
}

function toEventMessage(event: ResourceEvent<Quote>): WatchQuotesResponse {
  const { resumeToken } = event;
  if (event.kind !== 'snapshot') {
    return { event: { $case: 'quoteChanged', value: toQuoteMessage(event.item) }, resumeToken };
  }
  const { items, first, more } = event;
  return { event: { $case: 'snapshot', value: { quotes: items.map(toQuoteMessage), first, more } }, resumeToken };
}

function toQuoteMessage(quote: Quote): QuoteMessage {
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
    validUntilDate: quote.validUntil === undefined ? undefined : toDateMessage(quote.validUntil),
    createTime: quote.createTime,
    updateTime: quote.updateTime,
    deleteTime: quote.deleteTime,
    etag: etagOf(etaggedOf(quote)),
    order: quote.orderId === undefined ? '' : nameOf('order', quote.orderId),
  };
}

/** The order of these fields must never change: the etags that callers hold depend on it. */
function etaggedOf({ id, version, createTime, updateTime, ...quote }: Quote): Etagged {
  const { lines, discount, taxRate, quoteDate, state, deleteTime, validUntil } = quote;
  const changeable = { lines, discount_percent: discount, tax_percent: taxRate, quote_date: quoteDate };
  const fields = { ...changeable, state, delete_time: deleteTime, valid_until_date: validUntil };
  return { name: nameOf('quote', id), version: version + STATE_CHANGES[state], createTime, updateTime, fields };
}
