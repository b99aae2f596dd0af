import type { Once } from '@rondo/base';
import { UnexpectedRowCount } from './errors.js';
import type { Listener, ListenerOptions } from './keep-listening.js';
import type { OutageWait, OutageWaiter } from './outage-wait.js';

/** A parameter of a statement. Pass JSON as a string; an array becomes a PostgreSQL array. */
export type SqlValue = string | number | bigint | boolean | Date | Uint8Array | null | readonly SqlValue[];

/** Options of one statement. */
export interface QueryOptions {
  /**
   * When the signal aborts, the wait for a connection ends, a running statement is cancelled unless it ends within `abortGraceMs` of
   * the pool, and the reason is thrown.
   */
  readonly signal?: AbortSignal | undefined;
  /** The caller, for the turns in a share of a pool. All calls without one count as the same caller. */
  readonly caller?: string | undefined;
  /** How to wait for an unavailable database. Without it the call fails at once. No effect inside a transaction. */
  readonly outageWait?: OutageWait | undefined;
  /** Called, perhaps more than once, when the work waits for a lock or for a database that doesn't answer. */
  readonly onStall?: (() => void) | undefined;
  /**
   * Prepares the statement under this name: each connection parses it once, and soon reuses its plan. Use it for
   * frequent statements. A name must always have the same text; at most 63 bytes. If a migration changes the
   * statement's result, the pool replaces its connections and runs the statement again. List the columns in the
   * statement, so that only a change of their types has this effect. Write `(SELECT $1::text[])` for an array that
   * is unnested: PostgreSQL otherwise sees its length, takes the plan for that to be cheaper, and plans anew each time.
   */
  readonly name?: string | undefined;
  /**
   * Within a transaction, the next statement is sent without waiting for the answer to this one, and its time limit begins then. If this
   * one fails, so do the next one and the commit. Once it is sent, no abort ends it.
   */
  readonly pipelined?: boolean | undefined;
}

/**
 * SQL statements with `$1` parameters, one statement per call. Rows are plain objects by column name. int8 is a bigint,
 * numeric and date (`YYYY-MM-DD`) are strings, and timestamptz is a Date. `Row` is the shape of a row as the caller
 * declares it. Errors are those of `errors.ts`, or the signal's reason.
 */
export interface Queries {
  /** All rows. */
  query<Row extends object>(sql: string, params?: readonly SqlValue[], options?: QueryOptions): Promise<Row[]>;
  /**
   * The only row.
   *
   * @throws UnexpectedRowCount if there is none or more than one.
   */
  one<Row extends object>(sql: string, params?: readonly SqlValue[], options?: QueryOptions): Promise<Row>;
  /**
   * The only row; undefined if there is none.
   *
   * @throws UnexpectedRowCount if there is more than one.
   */
  maybeOne<Row extends object>(
    sql: string,
    params?: readonly SqlValue[],
    options?: QueryOptions,
  ): Promise<Row | undefined>;
}

/** The statements of a transaction; unusable once it has ended. */
export interface Transaction extends Queries {
  /** Runs several statements without parameters, such as a migration. They must not end the transaction. */
  script(sql: string, options?: QueryOptions): Promise<void>;
}

/** A transaction that is prepared for commit: it holds its locks until it is ended. */
export interface PreparedTransaction {
  /** The identifier under which it was prepared. */
  readonly gid: string;
  /** When it was prepared, by the server's clock. */
  readonly prepareTime: Date;
}

/** PostgreSQL's isolation levels; its `read uncommitted` equals `read committed`. */
export type Isolation = 'read committed' | 'repeatable read' | 'serializable';

/** Options of a transaction. */
export interface TransactionOptions extends QueryOptions {
  /** Default `read committed`. */
  readonly isolation?: Isolation;
  /** Maximum number of runs if concurrent transactions win; default 5. */
  readonly attempts?: number;
  /** Replaces the pool's `statementTimeoutMs` in this transaction. 0 means no limit, also for lock waits. */
  readonly statementTimeoutMs?: number;
  /** Whether the transaction only reads; PostgreSQL then refuses to write. Default false. */
  readonly readOnly?: boolean;
  /**
   * The call whose effect the transaction is. The transaction claims the call's idempotency key first, and stores the
   * result of its work as the reply before the commit. If an earlier call has the key, the work doesn't run. No effect if
   * the transaction only reads.
   */
  readonly once?: Once | undefined;
}

/**
 * A pool of connections to one database. A statement outside of a transaction that loses against a concurrent transaction
 * (serialization failure, deadlock, migration) took no effect. Like a whole transaction, it is run again.
 */
export interface Database extends Queries {
  /**
   * Runs `work` in one transaction, which is committed if `work` resolves and rolled back if it rejects. If a
   * concurrent transaction wins (serialization failure, deadlock, or a migration that changed the result of a prepared
   * statement), **`work` runs again** after a random pause, so it must have no other effects. With `outageWait` it also
   * runs again if the database became unavailable, unless the commit had been sent and `repeatable` isn't set.
   *
   * An abort takes effect within the pool's `abortGraceMs`, even if `work` ignores it, until the commit is sent. Then the outcome is awaited. If
   * `work` swallowed a statement's error, the call rejects with that error.
   *
   * @throws SerializationFailure if every attempt lost; CommitOutcomeUnknown if the database became unavailable during the
   *   commit.
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /**
   * Runs `work` as {@link transaction} does, but prepares the transaction for commit under `gid` (PREPARE TRANSACTION).
   * It keeps its locks and survives the connection, the process and the server, until any connection calls
   * `commitPrepared` or `rollbackPrepared`. After a `DatabaseUnavailable` it may have been prepared.
   *
   * @throws TypeError for a `gid` that isn't 1 to 199 of `A-Z a-z 0-9 : . _ / -`.
   */
  prepare<T>(gid: string, work: (transaction: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Commits the prepared transaction `gid`; false if there is none (any more). */
  commitPrepared(gid: string, options?: QueryOptions): Promise<boolean>;
  /** Rolls back the prepared transaction `gid`; false if there is none (any more). */
  rollbackPrepared(gid: string, options?: QueryOptions): Promise<boolean>;
  /** The prepared transactions of this database whose `gid` starts with `prefix`, the oldest first. */
  listPrepared(prefix: string, options?: QueryOptions): Promise<PreparedTransaction[]>;
  /** Waits for the database while it is unavailable, and knows whether an outage has held up calls. */
  readonly outage: Pick<OutageWaiter, 'run' | 'heldUp'>;
  /** Receives notifications over a connection of its own, as `keepListening` does. Undefined over a pool that the caller has made. */
  readonly listen?: ((options: Omit<ListenerOptions, 'url'>) => Listener) | undefined;
  /** Resolves if the database answers; for health checks. */
  check(options?: QueryOptions): Promise<void>;
  /** Waits for running statements and closes all connections; later calls fail with `DatabaseUnavailable`. */
  close(): Promise<void>;
}

type RunQuery = <Row extends object>(sql: string, params: readonly SqlValue[], options: QueryOptions) => Promise<Row[]>;

/** The three query methods, on top of a function that runs a statement. */
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

/** Writes what an operator does into the audit, in the transaction that does it: the `Audit` of `@rondo/resources`. */
export interface OperatorAudit {
  record(transaction: Pick<Queries, 'query'>, result: { readonly name: string }): Promise<void>;
}

/** The database of a service, with what the parts of the service share. Of a plain database, each part needs it as options. */
export interface PartDatabase extends Database {
  /** The service's audit, if it keeps one. */
  readonly audit?: OperatorAudit | undefined;
  /** The outcomes of the service's calls with idempotency keys, if this database has them. */
  readonly outcomes?: object | undefined;
  /** Called after each commit that may have changed what is watched. It doesn't throw. */
  readonly nudge?: (() => void) | undefined;
  /** Opens further connections to the database, apart from those that serve calls. `poolName` tells their metrics apart. */
  readonly reserve?: ((bounds: { readonly maxConnections: number; readonly poolName: string }) => Database) | undefined;
}
