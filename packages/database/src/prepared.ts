import { setTimeout as pause } from 'node:timers/promises';
import { sqlStateOf } from './errors.js';
import type { Database, PreparedTransaction, Queries, QueryOptions } from './sql.js';

/** PostgreSQL accepts up to 199 bytes. The characters allowed here need no quoting. */
const GID = /^[A-Za-z0-9:._/-]{1,199}$/;
const UNDEFINED_OBJECT = '42704';
const NOT_IN_STATE = '55000';
/** Pause while another caller ends the same transaction, which takes as long as a commit. */
const BUSY_PAUSE_MS = 10;
const BUSY_TRIES = 100;

/** The methods for prepared transactions. */
export type PreparedTransactions = Pick<Database, 'commitPrepared' | 'rollbackPrepared' | 'listPrepared'>;

/** The methods for prepared transactions, on top of a function that runs statements outside of transactions. */
export function createPreparedTransactions({ query }: Queries): PreparedTransactions {
  return {
    commitPrepared: (gid, options) => end('COMMIT PREPARED', { query, gid }, options),
    rollbackPrepared: (gid, options) => end('ROLLBACK PREPARED', { query, gid }, options),
    // The view covers the whole server, including other databases.
    listPrepared: (prefix, options) =>
      query<PreparedTransaction>(
        `SELECT gid, prepared AS "prepareTime" FROM pg_prepared_xacts
          WHERE database = current_database() AND starts_with(gid, $1) ORDER BY prepared, gid`,
        [prefix],
        { ...options, name: 'rondo_prepared' },
      ),
  };
}

interface Target {
  readonly query: Queries['query'];
  readonly gid: string;
}

async function end(verb: string, { query, gid }: Target, options?: QueryOptions): Promise<boolean> {
  const statement = `${verb} '${checkGid(gid)}'`;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await query(statement, [], options);
      return true;
    } catch (error) {
      if (sqlStateOf(error) === UNDEFINED_OBJECT) return false;
      if (sqlStateOf(error) !== NOT_IN_STATE || attempt === BUSY_TRIES) throw error;
    }
    await pause(BUSY_PAUSE_MS, undefined, { signal: options?.signal });
  }
}

/** @throws TypeError for an invalid identifier. */
export function checkGid(gid: string): string {
  if (GID.test(gid)) return gid;
  throw new TypeError(`"${gid}" can't name a prepared transaction: 1 to 199 of A-Z a-z 0-9 : . _ / -`);
}

/**
 * Checks that the server supports prepared transactions, which are off by default.
 *
 * @throws Error that says what to do.
 */
export async function requirePreparedTransactions(database: Queries, options?: QueryOptions): Promise<void> {
  const { slots } = await database.one<{ slots: number }>(
    `SELECT current_setting('max_prepared_transactions')::int AS slots`,
    [],
    options,
  );
  if (slots > 0) return;
  const why = 'max_prepared_transactions of the PostgreSQL server is 0, and transactions across services need it';
  throw new Error(
    `${why}: run ALTER SYSTEM SET max_prepared_transactions = 64 as a superuser, then restart that server`,
  );
}
