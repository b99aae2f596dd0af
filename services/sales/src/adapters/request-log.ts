import type { Queries } from '@rondo/database';
import type { RequestTable } from '@rondo/resources/sql';
import { RequestIdReused } from '../domain/errors.js';
import type { RequestLog } from '../domain/ports.js';
import type { KeyedCall } from '../domain/request-key.js';

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
