import { isDeepStrictEqual } from 'node:util';
import { Quote, QuoteServiceDefinition, QuoteState } from '@rondo/contracts/sales/v1/quotes';
import type { Queries } from '@rondo/database';
import {
  type CreateRequest,
  defineResource,
  readOnly,
  reference,
  standardMethods,
  toDateMessage,
  type UpdateRequest,
} from '@rondo/resources';
import { ConcurrentChange } from '@rondo/resources/domain';
import { checkBegun, dayOf, type SalesMethods, todayBy } from './context.js';
import { customers, SALESPERSON } from './customers.js';
import { WrongQuoteState } from './domain/errors.js';
import type { OfferLine } from './domain/offer.js';
import { requireValidPeriod } from './domain/quote.js';
import { OFFER_COLUMNS, offerFields, percentOf } from './offer-columns.js';
import { quoteLines } from './offer-lines.js';
import { makeOffer } from './offers.js';
import { moveReminder, type ReminderMethods } from './reminders.js';

/** Quotes: the offers to customers. `accept-quote.ts` turns them into orders. */
export const quotes = defineResource(Quote, {
  table: 'quotes',
  columns: {
    ...OFFER_COLUMNS,
    customer: reference('customers/{customer}', 'customer_id'),
    lines: quoteLines.column,
    order: readOnly(['order_id'], ([id]) => (id == null ? '' : `orders/${id}`)),
    // A quote that has an order doesn't change any more.
    updateTime: {
      names: ['update_time', 'order_time'],
      types: ['timestamptz(3) NOT NULL'],
      write: (time) => [time ?? null],
      read: ([updated, ordered]) => timeOf(ordered ?? updated),
    },
  },
  immutable: ['customer'],
  filter: ['customer', 'state', 'quoteDate', 'createTime'],
  sort: ['createTime', 'quoteDate'],
  visibleTo: SALESPERSON,
  list: { scannedBy: { field: 'customer', withState: 'both' } },
  derived: {
    columns: (row) => `orders.id AS order_id, orders.create_time AS order_time, ${quoteLines.derivedSql(row)}`,
    joins: (row) => `LEFT JOIN orders ON orders.quote_id = ${row}.id`,
  },
  etag: {
    // A change of the state isn't counted in the row.
    changes: ({ state }) => BigInt(state - QuoteState.QUOTE_STATE_OPEN),
    fields: ({ discountPercent, taxPercent, state, deleteTime }, row) => ({
      lines: quoteLines.read(row),
      discount_percent: percentOf(discountPercent),
      tax_percent: percentOf(taxPercent),
      quote_date: row['quote_date'],
      state: nameOfState(state).toLowerCase(),
      delete_time: deleteTime,
      valid_until_date: row['valid_until_date'] ?? undefined,
    }),
  },
});

/** A time as the driver has it, or as a change has it. */
const timeOf = (time: unknown): Date => (time instanceof Date ? time : new Date(String(time)));

const nameOfState = (state: QuoteState): string => QuoteState[state].slice('QUOTE_STATE_'.length);

/** The standard methods of quotes. Quotes are priced by another service, so outside of the transaction. */
export const quoteMethods = (methods: SalesMethods & ReminderMethods) =>
  standardMethods(QuoteServiceDefinition, quotes, {
    ...methods,
    check: ({ quoteDate }, field) =>
      checkBegun(field, 'quote_date', { day: dayOf(quoteDate), today: todayBy(methods) }),
    create: ({ fields }) => createQuote(methods, fields),
    update: (request) => updateQuote(methods, request),
    beforeDelete: async (quote) => requireOpen(quote),
    async afterWrite(quote, { tx }) {
      const day = dayOf(quote.validUntilDate);
      await moveReminder(methods, tx, { name: quote.name, ...(quote.deleteTime ? { from: day } : { to: day }) });
      return quote;
    },
  });

/** @throws WrongQuoteState */
function requireOpen({ name, state }: Quote): void {
  if (state !== QuoteState.QUOTE_STATE_OPEN) throw new WrongQuoteState(name, nameOfState(state));
}

/** A quote, with its lines as they are stored. */
export interface OfferedQuote {
  readonly quote: Quote;
  readonly lines: readonly OfferLine[];
}

/** @throws NotFound */
export async function getOffered(queries: Queries, name: string): Promise<OfferedQuote> {
  const row = await queries.maybeOne<Record<string, unknown>>(
    `${quotes.select} WHERE quotes.id = $1`,
    quotes.idsIn(name),
  );
  if (row === undefined) throw quotes.missing(name);
  return { quote: quotes.toResource(row), lines: quoteLines.read(row) };
}

/** Reads and locks a quote: in two statements, as the first one, after waiting for the lock, would return old orders. @throws NotFound */
export async function lockOffered(tx: Queries, name: string): Promise<OfferedQuote> {
  await tx.query('SELECT FROM quotes WHERE id = $1 FOR NO KEY UPDATE', quotes.idsIn(name));
  return getOffered(tx, name);
}

type Draft = CreateRequest<Quote>['fields'];

/** The content of a quote that is priced, by its columns, and its lines. */
async function priceQuote(methods: SalesMethods, draft: Draft) {
  const { lines = [], discountPercent, taxPercent, validUntilDate } = draft;
  const quoteDate = draft.quoteDate ?? toDateMessage(todayBy(methods));
  requireValidPeriod({ quoteDate: dayOf(quoteDate) ?? '', validUntil: dayOf(validUntilDate) });
  const offer = await makeOffer(methods, { lines, discountPercent, taxPercent }, 'quote');
  return { fields: { ...offerFields(offer), quoteDate, validUntilDate }, lines: offer.lines };
}

async function createQuote(methods: SalesMethods & ReminderMethods, draft: Draft): Promise<Quote> {
  const { database, newId } = methods;
  const { customer = '' } = draft;
  await customers.getLive(database, customer);
  const { fields, lines } = await priceQuote(methods, draft);
  const quote = { name: quotes.nameOf(newId()), customer, ...fields };
  return database.transaction(async (tx) => {
    await moveReminder(methods, tx, { name: quote.name, to: dayOf(fields.validUntilDate) });
    return insertQuote(tx, quote, lines);
  });
}

/** Inserts a quote and its lines by one statement. */
async function insertQuote(
  tx: Queries,
  quote: Partial<Quote> & { readonly name: string },
  lines: readonly OfferLine[],
): Promise<Quote> {
  const { sql, params } = quotes.insertSql(quote);
  const from = quoteLines.fromParams(params.length + 1);
  const row = await tx.one<Record<string, unknown>>(
    `WITH lines AS (${quoteLines.insertSql('$1', from)}) ${sql}
    RETURNING ${quotes.columns}, NULL AS order_id, NULL AS order_time, ${quoteLines.jsonSql(from)} AS lines`,
    [...params, ...quoteLines.params(lines)],
    { name: 'insert_quote' },
  );
  return quotes.toResource(row);
}

const MAX_ATTEMPTS = 5;

/** Changes an open quote and prices it again. If it has changed meanwhile, it is priced once more. */
async function updateQuote(methods: SalesMethods & ReminderMethods, request: UpdateRequest<Quote>): Promise<Quote> {
  const { name, etag, fieldsFor } = request;
  const requireChangeable = (quote: Quote): Quote => {
    quotes.requireLive(quote);
    quotes.requireEtag(quote, etag);
    requireOpen(quote);
    return quote;
  };
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const present = requireChangeable(await quotes.get(methods.database, name));
    const priced = await priceQuote(methods, { ...present, ...fieldsFor(present) });
    const updated = await methods.database.transaction(async (tx) => {
      const locked = await lockOffered(tx, name);
      if (requireChangeable(locked.quote).etag !== present.etag) return undefined;
      const [from, to] = [present, priced.fields].map(({ validUntilDate }) => dayOf(validUntilDate));
      await moveReminder(methods, tx, { name, from, to });
      return replace(tx, locked, priced);
    });
    if (updated !== undefined) return updated;
  }
  throw new ConcurrentChange();
}

/** Writes what differs. */
async function replace(
  tx: Queries,
  { quote, lines }: OfferedQuote,
  priced: Awaited<ReturnType<typeof priceQuote>>,
): Promise<Quote> {
  if (isDeepStrictEqual(lines, priced.lines)) return quotes.update(tx, quote, priced.fields);
  const [id = ''] = quotes.idsIn(quote.name);
  await tx.query('DELETE FROM quote_lines WHERE quote_id = $1', [id]);
  await quoteLines.insert(tx, id, priced.lines);
  return quotes.replace(tx, quote, priced.fields);
}
