import type { Queries } from '@rondo/database';
import { formatPercent } from '../domain/percent.js';
import type { QuoteStore } from '../domain/ports.js';
import type { PricedQuote, Quote, QuoteLine } from '../domain/quote.js';
import { descending, pageOf } from './page.js';
import { type LineRow, type QuoteRow, toQuote } from './quote-rows.js';

const INSERT_QUOTE = `
  INSERT INTO quotes (id, customer_id, discount_percent, tax_percent, currency, net_minor, total_minor)
  VALUES ($1, $2, $3, $4, $5, $6, $7)
  RETURNING *, NULL AS order_id, NULL AS project`;

const INSERT_LINES = `
  INSERT INTO quote_lines
    (quote_id, position, product_id, quantity, discount_percent, title, unit_price_minor, delivery_effort_minutes)
  SELECT $1, line.position, product_id, quantity, discount, title, unit_price_minor, effort
  FROM unnest($2::text[], $3::bigint[], $4::numeric[], $5::text[], $6::numeric[], $7::bigint[]) WITH ORDINALITY
    AS line (product_id, quantity, discount, title, unit_price_minor, effort, position)`;

const QUOTES = `
  SELECT quotes.*, orders.id AS order_id, orders.project
  FROM quotes LEFT JOIN orders ON orders.quote_id = quotes.id`;

const LINES = 'SELECT * FROM quote_lines WHERE quote_id = ANY($1) ORDER BY quote_id, position';

/** Quotes in PostgreSQL. */
export function createQuoteStore(queries: Queries): QuoteStore {
  /** What a quote offers never changes, so that its lines needn't be of the same moment. */
  const withLines = async (rows: readonly QuoteRow[]): Promise<readonly Quote[]> => {
    const lines = await queries.query<LineRow>(LINES, [rows.map(({ id }) => id)]);
    return rows.map((row) =>
      toQuote(
        row,
        lines.filter(({ quote_id }) => quote_id === row.id),
      ),
    );
  };
  const find = async (id: string): Promise<Quote | undefined> => {
    const rows = await queries.query<QuoteRow>(`${QUOTES} WHERE quotes.id = $1`, [id]);
    return rows.length === 0 ? undefined : (await withLines(rows))[0];
  };

  return {
    find,
    async list(query) {
      const sql = `${QUOTES} WHERE quotes.sequence < $1 ORDER BY quotes.sequence DESC LIMIT $2`;
      const { items, next } = pageOf(await queries.query<QuoteRow>(sql, descending(query)), query);
      return { items: await withLines(items), next };
    },
    async add(quote) {
      const row = await queries.one<QuoteRow>(INSERT_QUOTE, quoteParams(quote));
      await queries.query(INSERT_LINES, [quote.id, ...lineColumns(quote.lines)]);
      return { ...quote, state: 'open', orderId: undefined, createTime: row.create_time };
    },
    async lock(id) {
      // Read in a statement of its own: one that waited for the lock would see the orders as they were before.
      await queries.query('SELECT FROM quotes WHERE id = $1 FOR NO KEY UPDATE', [id]);
      return find(id);
    },
  };
}

function quoteParams({ id, customerId, discount, taxRate, price: { net, total } }: PricedQuote) {
  const percents = [formatPercent(discount), formatPercent(taxRate)];
  return [id, customerId, ...percents, total.currency, net.minorUnits, total.minorUnits];
}

function lineColumns(lines: readonly QuoteLine[]) {
  return [
    lines.map(({ productId }) => productId),
    lines.map(({ quantity }) => quantity),
    lines.map(({ discount }) => formatPercent(discount)),
    lines.map(({ title }) => title),
    lines.map(({ unitPrice }) => unitPrice.minorUnits),
    lines.map(({ deliveryEffortMinutes }) => deliveryEffortMinutes),
  ];
}
