import type { Queries } from '@rondo/database';
import type { Answers } from '../domain/ports.js';

/**
 * How rows of a table were when a call with a key was answered first: the row as it was, in the call's own. An older
 * call has none; its row is taken as it is.
 */
export function createAnswers<Row extends object, T>(
  queries: Queries,
  table: 'customers' | 'products',
  toItem: (row: Row) => T,
): Answers<T> {
  return {
    async keepAnswer({ method, id }) {
      await queries.query(
        `UPDATE requests SET made = to_jsonb(${table}) FROM ${table}
         WHERE ${table}.id = outcome AND method = $1 AND request_id = $2`,
        [method, id],
      );
    },
    async firstAnswer({ method, id }) {
      const row = await queries.one<Row>(
        `SELECT (jsonb_populate_record(${table}, made)).* FROM requests JOIN ${table} ON ${table}.id = outcome
         WHERE method = $1 AND request_id = $2`,
        [method, id],
      );
      return toItem(row);
    },
  };
}
