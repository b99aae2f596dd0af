import { createPruning, type KeyedCall, type Once, type Outcome, type StoredOutcome } from '@rondo/base';
import { KeyInUse, LockTimeout } from './errors.js';
import type { SchemaPart } from './migration.js';
import type { Database, Queries, QueryOptions, SqlValue, Transaction } from './sql.js';

/** A row without bytes is a claim: only the transaction that makes it sees it. The keys of Rondo's clients increase with time. */
const FIRST = `
CREATE TABLE call_outcomes (
  key text COLLATE "C" NOT NULL,
  method text COLLATE "C" NOT NULL,
  caller text COLLATE "C" NOT NULL CHECK (octet_length(caller) <= 1024),
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  code smallint NOT NULL DEFAULT 0,
  bytes bytea,
  expire_time timestamptz NOT NULL,
  PRIMARY KEY (key, method, caller)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);

-- The oldest are removed.
CREATE INDEX call_outcomes_expire_time ON call_outcomes (expire_time);
`;

/** The table of {@link createOutcomeStore}; pass it to `createReadiness` in `parts`. */
export const outcomesSchema: SchemaPart = {
  name: 'outcomes',
  migrations: [{ name: '0001_call_outcomes.sql', sql: FIRST }],
};

const COLUMNS = 'key, method, caller, fingerprint, expire_time, code, bytes';
const EXPIRE_TIME = (param: string) => `clock_timestamp() + make_interval(secs => ${param}::double precision / 1000)`;

const INSERT = `
  INSERT INTO call_outcomes (${COLUMNS}) VALUES ($1, $2, $3, $4, ${EXPIRE_TIME('$5')}, $6, $7)
  ON CONFLICT DO NOTHING RETURNING code`;
const OF_CALL = 'WHERE key = $1 AND method = $2 AND caller = $3';
const FIND = `SELECT fingerprint, code, bytes FROM call_outcomes ${OF_CALL} AND bytes IS NOT NULL`;
const FORGET = `DELETE FROM call_outcomes ${OF_CALL} AND bytes IS NULL`;
const SAVE = `UPDATE call_outcomes SET bytes = $4 ${OF_CALL}`;

const idOf = ({ key, method, caller }: KeyedCall) => [key, method, caller];

async function insert(queries: Queries, call: KeyedCall, outcome: Partial<Outcome> & QueryOptions): Promise<boolean> {
  const { code = 0, bytes = null, ...options } = outcome;
  const params = [...idOf(call), call.fingerprint, call.retentionMs, code, bytes];
  const rows = await queries.query(INSERT, params, { ...options, name: 'rondo_outcome_insert' });
  return rows.length > 0;
}

function find(queries: Queries, call: KeyedCall, options: QueryOptions = {}): Promise<StoredOutcome | undefined> {
  return queries.maybeOne<StoredOutcome>(FIND, idOf(call), { ...options, name: 'rondo_outcome_find' });
}

/** An outcome may expire between two statements. */
const MAX_ATTEMPTS = 3;

/** Inserts an outcome or a claim. Returns the outcome of the first call, if it was another one. */
async function insertOrFind(
  queries: Queries,
  call: KeyedCall,
  outcome: Partial<Outcome> & QueryOptions = {},
): Promise<StoredOutcome | undefined> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    // If another transaction has inserted the same key, this waits until that one ends.
    if (await insert(queries, call, outcome)) return undefined;
    const { code: _, bytes: __, ...options } = outcome;
    const first = await find(queries, call, options);
    if (first !== undefined) return first;
    await queries.query(FORGET, idOf(call), options); // a claim that was made without a transaction
  }
  throw new Error(`the outcome of ${call.method} is removed again and again`);
}

/**
 * Work of a transaction that claims the call's key first, and stores its result as the outcome before the commit. The first attempt of a stored
 * call instead ends that, before the commit.
 */
export function claiming<T>(
  once: Once,
  work: (transaction: Transaction) => Promise<T>,
): (transaction: Transaction) => Promise<T> {
  return async (transaction) => {
    const { settle } = once;
    const first = settle === undefined ? await claim(transaction, once) : undefined;
    if (first !== undefined) throw once.repeated(first);
    const result = await once.run(() => work(transaction));
    const reply = once.encode(result);
    if (settle !== undefined) await settle(transaction);
    else save(transaction, [...idOf(once), reply]);
    return result;
  };
}

/** Sent with the commit, which fails if this does. */
function save({ query }: Transaction, params: readonly SqlValue[]): void {
  query(SAVE, params, { name: 'rondo_outcome_save', pipelined: true }).catch(() => undefined);
}

/** The wait for a concurrent call with the key may be longer than for a lock: the transaction then starts again. */
async function claim(transaction: Transaction, once: Once): Promise<StoredOutcome | undefined> {
  try {
    return await insertOrFind(transaction, once);
  } catch (error) {
    if (error instanceof LockTimeout) throw new KeyInUse(error.message, error.cause);
    throw error;
  }
}

/** A claim as a part of a statement that does all the work of a call by itself. */
export interface OutcomeInsert {
  /** The number of the first parameter of `outcomeParams`, which has six. */
  readonly params: number;
  /** The relation with one row if the work was done, and none if it wasn't. */
  readonly from: string;
}

/**
 * The INSERT that stores the outcome of a call within its only statement. If the key exists, the whole statement fails with
 * a `UniqueViolation`, and Rondo answers with the stored outcome.
 */
export function outcomeSql({ params, from }: OutcomeInsert): string {
  const [key, method, caller, fingerprint, retention, bytes] = Array.from({ length: 6 }, (_, at) => `$${params + at}`);
  return `INSERT INTO call_outcomes (key, method, caller, fingerprint, expire_time, bytes)
    SELECT ${key}::text, ${method}::text, ${caller}::text, ${fingerprint}::bytea, ${EXPIRE_TIME(`${retention}`)}, ${bytes}::bytea
    FROM ${from} WHERE ${key}::text IS NOT NULL`;
}

/** The parameters of {@link outcomeSql}: nulls for a call without a key. `reply` returns the reply of the call. */
export function outcomeParams(once: Once | undefined, reply: () => unknown): readonly SqlValue[] {
  if (once === undefined) return [null, null, null, null, null, null];
  return [...idOf(once), once.fingerprint, once.retentionMs, once.encode(reply())];
}

/** Options of {@link createOutcomeStore}. */
export interface OutcomeStoreOptions {
  /** Receives the error of a round that could not remove old outcomes. The next round removes them. */
  readonly onError?: (error: unknown) => void;
}

/** The outcomes of calls with idempotency keys in PostgreSQL; it fits as `outcomes` of a service's app. */
export interface PostgresOutcomes {
  find(call: KeyedCall, options?: QueryOptions): Promise<StoredOutcome | undefined>;
  add(call: KeyedCall, outcome: Outcome, options?: QueryOptions): Promise<StoredOutcome>;
  /** Removes all outcomes that have expired, in batches. It removes nothing while another replica does. */
  prune(signal?: AbortSignal): Promise<void>;
  /** Stops the rounds that remove old outcomes, and waits for the present one. */
  close(): Promise<void>;
}

/** Creates the store. About every ten minutes it removes expired outcomes. */
export function createOutcomeStore(database: Database, { onError }: OutcomeStoreOptions = {}): PostgresOutcomes {
  const pruning = createPruning((signal) => prune(database, signal), { onError });
  return {
    find: (call, options) => find(database, call, options),
    async add(call, { code, bytes }, { outageWait, ...options } = {}) {
      // A repetition finds what it has inserted itself.
      const wait = outageWait && { outageWait: { ...outageWait, repeatable: true } };
      const first = await insertOrFind(database, call, { code, bytes, ...options, ...wait });
      return first ?? { code, bytes, fingerprint: call.fingerprint };
    },
    prune: (signal) => prune(database, signal),
    close: () => pruning.close(),
  };
}

const BATCH = 1_000;

/**
 * Removes one batch, of rows from a given time on: removed rows stay in the index until a vacuum, and the next
 * batch starts after them. The lock lets one replica at a time do this.
 */
const PRUNE = `
  WITH mine AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(hashtextextended('rondo prunes call_outcomes', 0)) AS mine
  ), oldest AS (
    SELECT key, method, caller, expire_time FROM call_outcomes
    WHERE (SELECT mine FROM mine) AND expire_time >= $1 AND expire_time < clock_timestamp()
    ORDER BY expire_time LIMIT ${BATCH}
  ), removed AS (
    DELETE FROM call_outcomes USING oldest
    WHERE call_outcomes.key = oldest.key AND call_outcomes.method = oldest.method AND call_outcomes.caller = oldest.caller
    RETURNING call_outcomes.expire_time
  )
  SELECT count(*) AS removed, coalesce(max(expire_time), $1) AS until FROM removed`;

async function prune(database: Database, signal?: AbortSignal): Promise<void> {
  let from = new Date(0);
  for (;;) {
    const { removed, until } = await database.one<{ removed: bigint; until: Date }>(PRUNE, [from], { signal });
    if (removed < BATCH) return;
    from = until;
  }
}
