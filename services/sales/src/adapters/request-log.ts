import type { Queries } from '@rondo/database';
import { RequestIdReused } from '@rondo/resources/domain';
import { columnsOf, type RequestTable } from '@rondo/resources/sql';
import type { KeyedCall, RequestLog, SavedResponses } from '../domain/request-id.js';

/** The table of the requests that were carried out. */
export const REQUESTS: RequestTable = { table: 'requests', scope: 'method' };

const CLAIM = `
  INSERT INTO requests (method, request_id, fingerprint, outcome)
  VALUES ($1, $2, $3, $4)
  ON CONFLICT (method, request_id) DO NOTHING
  RETURNING method`;

const SAME = 'SELECT fingerprint = $3 AS same FROM requests WHERE method = $1 AND request_id = $2';

/** Records requests in PostgreSQL. */
export function createRequestLog(queries: Queries): RequestLog {
  const has = async ({ method, id, fingerprint }: KeyedCall): Promise<boolean> => {
    const first = await queries.maybeOne<{ same: boolean }>(SAME, [method, id, fingerprint]);
    if (first?.same === false) throw new RequestIdReused(id);
    return first !== undefined;
  };

  return {
    has,
    async claim(call, id) {
      // If another transaction has inserted the same key, this waits until it ends. It is a conflict only if it
      // commits.
      const claimed = await queries.query(CLAIM, [call.method, call.id, call.fingerprint, id]);
      return claimed.length > 0 || !(await has(call));
    },
  };
}

/** The table of a resource. */
export interface RowSource {
  readonly table: 'customers' | 'products';
  /** The columns to read. */
  readonly columns: readonly string[];
}

/**
 * Saves a row as the response of a keyed call, as JSON in the call's row. A request of an earlier version has no saved
 * response; then the present row is read.
 */
export function createSavedResponses<Row extends object, T>(
  queries: Queries,
  { table, columns }: RowSource,
  toItem: (row: Row) => T,
): SavedResponses<T> {
  return {
    async saveResponse({ method, id }) {
      await queries.query(
        `UPDATE requests SET made = to_jsonb(${table}) FROM ${table}
         WHERE ${table}.id = outcome AND method = $1 AND request_id = $2`,
        [method, id],
      );
    },
    async savedResponse({ method, id }) {
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
