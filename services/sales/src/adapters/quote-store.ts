import type { Queries } from '@rondo/database';
import { columnsOf, type FeedSource, type Listing, listPage } from '@rondo/resources/sql';
import type { OfferLine } from '../domain/offer.js';
import { formatPercent } from '../domain/percent.js';
import type { PricedQuote, Quote, QuoteStore } from '../domain/quote.js';
import { bytesOf, lineParams } from './lines.js';
import {
  parseQuote,
  QUOTE_COLUMNS,
  QUOTE_LINE_COLUMNS,
  type QuoteLineColumns,
  type QuoteRow,
  quoteOf,
  selectQuoteLines,
  toQuote,
} from './quote-rows.js';
import { SALESPERSON_SIGHT } from './salespeople.js';
import { CHANGED, DELETED, DELETION } from './sql.js';

const COLUMNS = columnsOf('quotes', QUOTE_COLUMNS);

const WITHOUT_ORDER = 'NULL AS order_id, NULL AS order_time, NULL AS project';

const INSERT_QUOTE = `
  INSERT INTO quotes
    (id, customer_id, quote_date, discount_percent, tax_percent, currency, net_minor, total_minor, valid_until_date)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
  RETURNING ${COLUMNS}, ${WITHOUT_ORDER}`;

const REPLACE = `
  UPDATE quotes SET
    customer_id = $2, quote_date = $3, discount_percent = $4, tax_percent = $5,
    currency = $6, net_minor = $7, total_minor = $8, valid_until_date = $9, ${CHANGED}
  WHERE id = $1
  RETURNING ${COLUMNS}, ${WITHOUT_ORDER}`;

const DELETE = `UPDATE quotes SET ${DELETED} WHERE id = $1`;

const UNDELETE = `UPDATE quotes SET delete_time = NULL, ${CHANGED} WHERE id = $1`;

const INSERT_LINES = `
  INSERT INTO quote_lines
    (quote_id, position, product_id, quantity, discount_percent, title, unit_price_minor, delivery_effort_minutes)
  SELECT $1, line.position, product_id, quantity, discount, title, unit_price_minor, effort
  FROM unnest($2::text[], $3::bigint[], $4::numeric[], $5::text[], $6::numeric[], $7::bigint[]) WITH ORDINALITY
    AS line (product_id, quantity, discount, title, unit_price_minor, effort, position)`;

const ORDER_OF_QUOTE = 'orders.id AS order_id, orders.create_time AS order_time, orders.project';

/** Joins a quote with its order and its lines. */
const joinsOf = (quote: string) => `
  LEFT JOIN orders ON orders.quote_id = ${quote}.id
  CROSS JOIN LATERAL (${selectQuoteLines(`quote_lines WHERE quote_id = ${quote}.id`)}) AS lines`;

const QUOTES = `SELECT ${COLUMNS}, ${ORDER_OF_QUOTE}, ${QUOTE_LINE_COLUMNS} FROM quotes ${joinsOf('quotes')}`;

const LISTING: Listing = {
  table: 'quotes',
  order: 'the newest first',
  selected: [...QUOTE_COLUMNS, 'state'],
  columns: { customer: 'customer_id', quote_date: 'quote_date', create_time: 'create_time' },
  sorted: { create_time: 'create_time', quote_date: 'quote_date' },
  deletion: DELETION,
  sight: { value: 'salesperson', indexed: true },
  states: ['OPEN', 'ACCEPTING', 'ACCEPTED'],
  scannedBy: { field: 'customer', withState: 'both' },
  beside: { columns: `${ORDER_OF_QUOTE}, ${QUOTE_LINE_COLUMNS}`, joins: joinsOf('page') },
};

/** How quotes are watched. */
export const QUOTE_FEED: FeedSource<QuoteRow & QuoteLineColumns, Quote> = {
  table: 'quotes',
  select: QUOTES,
  live: `quotes.${DELETION.live}`,
  key: 'sequence',
  keyOf: ({ sequence }) => sequence,
  toItem: toQuote,
  sizeOf: bytesOf,
  partOf: { column: 'customer_id' },
  sight: SALESPERSON_SIGHT,
  parse: parseQuote,
};

/**
 * Stores quotes in PostgreSQL. The database appends each change for watchers.
 *
 * @param onAppended is called after each change, before the commit.
 */
export function createQuoteStore(queries: Queries, onAppended: () => void): QuoteStore {
  const find = async (id: string): Promise<Quote | undefined> => {
    const row = await queries.maybeOne<QuoteRow & QuoteLineColumns>(`${QUOTES} WHERE quotes.id = $1`, [id]);
    return row && toQuote(row);
  };
  const change = async (sql: string, id: string): Promise<Quote> => {
    await queries.query(sql, [id]);
    onAppended();
    const changed = await find(id);
    if (changed === undefined) throw new Error(`the changed quote ${id} doesn't exist`);
    return changed;
  };
  const addLines = async ({ id, lines }: PricedQuote): Promise<void> => {
    await queries.query(INSERT_LINES, [id, ...quoteLineParams(lines)]);
    onAppended();
  };

  return {
    find,
    list: (query) =>
      listPage<QuoteRow & QuoteLineColumns, Quote>(queries, { listing: LISTING, query, sizeOf: bytesOf }, toQuote),
    async add(quote) {
      const row = await queries.one<QuoteRow>(INSERT_QUOTE, quoteParams(quote));
      await addLines(quote);
      return quoteOf(row, quote.lines);
    },
    async replace(quote) {
      const row = await queries.one<QuoteRow>(REPLACE, quoteParams(quote));
      await queries.query('DELETE FROM quote_lines WHERE quote_id = $1', [quote.id]);
      await addLines(quote);
      return quoteOf(row, quote.lines);
    },
    async lock(id) {
      // The quote is read in a second statement. The first one, after waiting for the lock, would return old orders.
      await queries.query('SELECT FROM quotes WHERE id = $1 FOR NO KEY UPDATE', [id]);
      return find(id);
    },
    delete: (id) => change(DELETE, id),
    undelete: (id) => change(UNDELETE, id),
  };
}

function quoteParams({ id, customerId, quoteDate, discount, taxRate, price, validUntil }: PricedQuote) {
  const { net, total } = price;
  const percents = [formatPercent(discount), formatPercent(taxRate)];
  return [id, customerId, quoteDate, ...percents, total.currency, net.minorUnits, total.minorUnits, validUntil ?? null];
}

function quoteLineParams(lines: readonly OfferLine[]) {
  return [...lineParams(lines), lines.map(({ deliveryEffortMinutes }) => deliveryEffortMinutes)];
}
