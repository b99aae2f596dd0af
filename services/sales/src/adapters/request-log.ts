import type { Queries } from '@rondo/database';
import { RequestIdReused } from '../domain/errors.js';
import type { RequestLog } from '../domain/ports.js';
import type { RequestKey } from '../domain/request-key.js';

interface RequestRow {
  readonly fingerprint: string;
  readonly outcome: string;
}

const CLAIM = `
  INSERT INTO requests (method, request_id, fingerprint, outcome)
  VALUES ($1, $2, $3, $4)
  ON CONFLICT (method, request_id) DO NOTHING
  RETURNING method`;

/** Requests that were carried out, in PostgreSQL. */
export function createRequestLog(queries: Queries): RequestLog {
  const recall = async ({ method, id, fingerprint }: RequestKey): Promise<string | undefined> => {
    const sql = 'SELECT fingerprint, outcome FROM requests WHERE method = $1 AND request_id = $2';
    const first = await queries.maybeOne<RequestRow>(sql, [method, id]);
    if (first !== undefined && first.fingerprint !== fingerprint) throw new RequestIdReused(id);
    return first?.outcome;
  };

  return {
    recall,
    async claim(key, outcome) {
      if (key === undefined) return undefined;
      // Where another transaction has inserted the same key, this waits for its end: a conflict only if it committed.
      const claimed = await queries.query(CLAIM, [key.method, key.id, key.fingerprint, outcome]);
      return claimed.length > 0 ? undefined : recall(key);
    },
  };
}
