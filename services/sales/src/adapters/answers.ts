import type { Queries } from '@rondo/database';
import { columnsOf } from '@rondo/resources/sql';
import type { Answers } from '../domain/ports.js';

/** Where a kind of row is kept. */
export interface RowSource {
  readonly table: 'customers' | 'products';
  /** What is read of it. */
  readonly columns: readonly string[];
}

/**
 * How rows of a table were when a call with a key was answered first: the row as it was, in the call's own. An older
 * call has none; its row is taken as it is.
 */
export function createAnswers<Row extends object, T>(
  queries: Queries,
  { table, columns }: RowSource,
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
        `SELECT ${columnsOf('record', columns)}
         FROM requests JOIN ${table} ON ${table}.id = outcome, jsonb_populate_record(${table}, made) AS record
         WHERE method = $1 AND request_id = $2`,
        [method, id],
      );
      return toItem(row);
    },
  };
}
