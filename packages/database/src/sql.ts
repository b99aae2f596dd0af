/** A parameter of a statement. JSON goes as a string; an array becomes a PostgreSQL array. */
export type SqlValue = string | number | bigint | boolean | Date | Uint8Array | null | readonly SqlValue[];

/** What a caller may set for one statement. */
export interface QueryOptions {
  /** When it aborts, the wait for a connection ends, a running statement is cancelled, and the reason is thrown. */
  readonly signal?: AbortSignal | undefined;
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
  /** Replaces the pool's `statementTimeoutMs` inside this transaction; 0 is none. */
  readonly statementTimeoutMs?: number;
}

/** A pool of connections to one database. */
export interface Database extends Queries {
  /**
   * Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. When a concurrent
   * transaction wins (serialization failure, deadlock) **`work` runs again**, after a random pause, so it must have no
   * other effects. An abort takes effect at once, whatever `work` is doing, and up to the commit: once that is sent,
   * its outcome is awaited. A `work` that swallowed a statement's error is rejected with that error.
   *
   * @throws SerializationFailure when every attempt lost.
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Resolves when the database answers; for health checks. */
  check(options?: QueryOptions): Promise<void>;
  /** Waits for the statements under way and closes all connections; later calls fail as `DatabaseUnavailable`. */
  close(): Promise<void>;
}
