import type { Queries } from '@rondo/database';
import type { Answers } from '../domain/ports.js';
import type { Quote } from '../domain/quote.js';
import { type LineColumns, lineColumnsOf, type QuoteRow, toQuote } from './quote-rows.js';

const KEEP = `
  UPDATE requests SET made = to_jsonb(quotes) || jsonb_build_object('lines', (
    SELECT jsonb_agg(line ORDER BY position) FROM quote_lines AS line WHERE quote_id = quotes.id
  ))
  FROM quotes WHERE quotes.id = outcome AND method = $1 AND request_id = $2`;

// Of an older request, which has kept none, the lines that are there now.
const LINES = `(
  SELECT line.* FROM jsonb_populate_recordset(NULL::quote_lines, made -> 'lines') AS line
  UNION ALL
  SELECT line.* FROM quote_lines AS line WHERE line.quote_id = outcome AND made IS NULL
) AS kept`;

const QUOTE = `
  SELECT (jsonb_populate_record(quotes, made)).*, lines.*, NULL AS order_id, NULL AS order_time, NULL AS project
  FROM requests
  JOIN quotes ON quotes.id = outcome
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
