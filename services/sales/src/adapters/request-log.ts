import type { Queries } from '@rondo/database';
import { type RequestTable, columnsOf } from '@rondo/resources/sql';
import { RequestIdReused } from '../domain/errors.js';
import type { RequestLog, Answers } from '../domain/ports.js';
import type { KeyedCall } from '../domain/request-id.js';

/** Where requests that were carried out stand. */
export const REQUESTS: RequestTable = { table: 'requests', scope: 'method' };

const CLAIM = `
  INSERT INTO requests (method, request_id, fingerprint, outcome)
  VALUES ($1, $2, $3, $4)
  ON CONFLICT (method, request_id) DO NOTHING
  RETURNING method`;

const SAME = 'SELECT fingerprint = $3 AS same FROM requests WHERE method = $1 AND request_id = $2';

/** Requests that were carried out, in PostgreSQL. */
export function createRequestLog(queries: Queries): RequestLog {
  const has = async ({ method, id, fingerprint }: KeyedCall): Promise<boolean> => {
    const first = await queries.maybeOne<{ same: boolean }>(SAME, [method, id, fingerprint]);
    if (first?.same === false) throw new RequestIdReused(id);
    return first !== undefined;
  };

  return {
    has,
    async claim(call, id) {
      // Where another transaction has inserted the same key, this waits for its end: a conflict only if it committed.
      const claimed = await queries.query(CLAIM, [call.method, call.id, call.fingerprint, id]);
      return claimed.length > 0 || !(await has(call));
    },
  };
}

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
