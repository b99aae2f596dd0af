import type { Queries } from '@rondo/database';
import { columnsOf } from '@rondo/resources/sql';
import type { Answers } from '../domain/ports.js';
import type { Quote } from '../domain/quote.js';
import { LINE_COLUMNS, type LineColumns, lineColumnsOf, QUOTE_COLUMNS, type QuoteRow, toQuote } from './quote-rows.js';

const KEEP = `
  UPDATE requests SET made = to_jsonb(quotes) || jsonb_build_object('lines', (
    SELECT jsonb_agg(line ORDER BY position) FROM quote_lines AS line WHERE quote_id = quotes.id
  ))
  FROM quotes WHERE quotes.id = outcome AND method = $1 AND request_id = $2`;

const LINE = columnsOf('line', [
  ...['position', 'product_id', 'quantity', 'discount_percent', 'title', 'unit_price_minor', 'delivery_effort_minutes'],
]);

// Of an older request, which has kept none, the lines that are there now.
const LINES = `(
  SELECT ${LINE} FROM jsonb_populate_recordset(NULL::quote_lines, made -> 'lines') AS line
  UNION ALL
  SELECT ${LINE} FROM quote_lines AS line WHERE line.quote_id = outcome AND made IS NULL
) AS kept`;

const QUOTE = `
  SELECT
    ${columnsOf('record', QUOTE_COLUMNS)}, ${columnsOf('lines', LINE_COLUMNS)},
    NULL AS order_id, NULL AS order_time, NULL AS project
  FROM requests
  JOIN quotes ON quotes.id = outcome
  CROSS JOIN LATERAL jsonb_populate_record(quotes, made) AS record
  CROSS JOIN LATERAL (${lineColumnsOf(LINES)}) AS lines
  WHERE method = $1 AND request_id = $2`;

/** How quotes were when they were made. */
export function createQuoteAnswers(queries: Queries): Answers<Quote> {
  return {
    async keepAnswer({ method, id }) {
      await queries.query(KEEP, [method, id]);
    },
    async firstAnswer({ method, id }) {
      return toQuote(await queries.one<QuoteRow & LineColumns>(QUOTE, [method, id]));
    },
  };
}
