import { UnexpectedRowCount } from './errors.js';
import type { Patience } from './outage-wait.js';
import type { PreparedTransaction } from './prepared.js';

/** A parameter of a statement. JSON goes as a string; an array becomes a PostgreSQL array. */
export type SqlValue = string | number | bigint | boolean | Date | Uint8Array | null | readonly SqlValue[];

/** What a caller may set for one statement. */
export interface QueryOptions {
  /** When it aborts, the wait for a connection ends, a running statement is cancelled, and the reason is thrown. */
  readonly signal?: AbortSignal | undefined;
  /** How a database that is away is borne; without patience it fails at once. No effect inside a transaction. */
  readonly patience?: Patience | undefined;
  /**
   * Prepares the statement under this name: each connection parses it once, and soon plans it no more. It pays for one
   * that is run all the time. A name is of one text for ever; at most 63 bytes. Where a migration changes what it returns,
   * the pool's connections are replaced and it is run again; name its columns, so that only a change of their types does.
   */
  readonly name?: string | undefined;
}

/**
 * Statements in plain SQL with `$1` parameters, one statement a call. Rows are plain objects by column name: int8 is
 * bigint, numeric and date (`YYYY-MM-DD`) are strings, timestamptz is a Date. `Row` is the caller's word for the shape:
 * the columns of the statement it wrote. Throws the errors of `errors.ts`, or the signal's reason.
 */
export interface Queries {
  /** All rows. */
  query<Row extends object>(sql: string, params?: readonly SqlValue[], options?: QueryOptions): Promise<Row[]>;
  /** The only row; throws `UnexpectedRowCount` when there is none or more than one. */
  one<Row extends object>(sql: string, params?: readonly SqlValue[], options?: QueryOptions): Promise<Row>;
  /** The only row, or undefined when there is none; throws `UnexpectedRowCount` when there is more than one. */
  maybeOne<Row extends object>(
    sql: string,
    params?: readonly SqlValue[],
    options?: QueryOptions,
  ): Promise<Row | undefined>;
}

/** A transaction's own statements; unusable once it has ended. */
export interface Transaction extends Queries {
  /** Runs a text of several statements without parameters, as a migration is. Must not end the transaction. */
  script(sql: string, options?: QueryOptions): Promise<void>;
}

/** The isolation levels of PostgreSQL; its `read uncommitted` is `read committed`. */
export type Isolation = 'read committed' | 'repeatable read' | 'serializable';

/** How a transaction runs. */
export interface TransactionOptions extends QueryOptions {
  /** Default `read committed`. */
  readonly isolation?: Isolation;
  /** How often the function is run at most when a concurrent transaction wins; default 5. */
  readonly attempts?: number;
  /** Replaces the pool's `statementTimeoutMs` inside this transaction; 0 is none, and none for locks either. */
  readonly statementTimeoutMs?: number;
}

/**
 * A pool of connections to one database. A statement of its own that a concurrent transaction has won against
 * (serialization failure, deadlock, migration) took no effect, and is run again as {@link Database.transaction} is.
 */
export interface Database extends Queries {
  /**
   * Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. When a concurrent
   * transaction wins (serialization failure, deadlock, or a migration that changed what a prepared statement returns)
   * **`work` runs again**, after a random pause, so it must have no other effects. With `patience` it also runs again after
   * the database went away, unless the commit had been sent and `repeat` isn't set. An abort takes effect at once, whatever
   * `work` is doing, and up to the commit: once that is sent, its outcome is awaited. A `work` that swallowed a statement's
   * error is rejected with that error.
   *
   * @throws SerializationFailure when every attempt lost; OutcomeUnknown when the database went away during the commit.
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /**
   * Runs `work` as {@link transaction} does, and prepares its transaction for commit under `gid` in place of committing it
   * (PREPARE TRANSACTION): its locks stay, and it survives connection, process and server, until `commitPrepared` or
   * `rollbackPrepared`, by anybody. Where it rejects with `DatabaseUnavailable`, it may have been prepared all the same.
   *
   * @throws TypeError for a `gid` that isn't 1 to 199 of `A-Z a-z 0-9 : . _ / -`.
   */
  prepare<T>(gid: string, work: (transaction: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Commits what was prepared under `gid`; false where there is no such transaction (any more). */
  commitPrepared(gid: string, options?: QueryOptions): Promise<boolean>;
  /** Rolls back what was prepared under `gid`; false where there is no such transaction (any more). */
  rollbackPrepared(gid: string, options?: QueryOptions): Promise<boolean>;
  /** The prepared transactions of this database whose `gid` begins with `prefix`, the oldest first. */
  listPrepared(prefix: string, options?: QueryOptions): Promise<PreparedTransaction[]>;
  /** Resolves when the database answers; for health checks. */
  check(options?: QueryOptions): Promise<void>;
  /** Waits for the statements under way and closes all connections; later calls fail as `DatabaseUnavailable`. */
  close(): Promise<void>;
}

type RunQuery = <Row extends object>(sql: string, params: readonly SqlValue[], options: QueryOptions) => Promise<Row[]>;

/** The three shapes of a result, over one way to run a statement. */
export function createQueries(run: RunQuery): Queries {
  return {
    query: (sql, params = [], options = {}) => run(sql, params, options),
    one: async <Row extends object>(sql: string, params: readonly SqlValue[] = [], options: QueryOptions = {}) => {
      const rows = await run<Row>(sql, params, options);
      const [row] = rows;
      if (row === undefined || rows.length > 1) throw new UnexpectedRowCount('one row', rows.length);
      return row;
    },
    maybeOne: async <Row extends object>(sql: string, params: readonly SqlValue[] = [], options: QueryOptions = {}) => {
      const rows = await run<Row>(sql, params, options);
      if (rows.length > 1) throw new UnexpectedRowCount('at most one row', rows.length);
      return rows[0];
    },
  };
}
