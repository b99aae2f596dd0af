import { createHash } from 'node:crypto';
import type { Database, Queries, QueryOptions } from '@rondo/database';

/** What a participant has confirmed; empty if it hasn't. */
export type Confirmation = '' | 'committed' | 'aborted' | 'unknown';

/** A participant in the log. */
export interface LoggedParticipant {
  /** The service that addresses it. */
  readonly service: string;
  readonly outcome: Confirmation;
  /** Why the last attempt to send the decision failed; empty if it didn't. */
  readonly error: string;
}

/** The decision on a transaction. */
export type Decision = 'committed' | 'aborted';

/**
 * A coordinator's answer about a transaction: its decision, empty while there is none, or `unknown` if the log was restored to a
 * time before the transaction.
 */
export type Answer = '' | Decision | 'unknown';

/** A row of the transaction log. */
export interface LogEntry {
  readonly id: string;
  readonly coordinator: string;
  readonly kind: string;
  readonly subject: string;
  readonly state: 'preparing' | 'committing' | 'aborting' | 'committed' | 'aborted' | 'conflict';
  readonly decision: Decision | null;
  readonly participants: readonly LoggedParticipant[];
  readonly attempts: number;
  readonly createTime: Date;
  readonly expireTime: Date;
  /** The W3C `traceparent` of the call that began it; empty if no trace of it is kept. */
  readonly traceparent: string;
}

/** The columns of a {@link LogEntry}. */
const ENTRY_COLUMNS = `id, coordinator, kind, subject, state, decision, participants, attempts,
  create_time AS "createTime", expire_time AS "expireTime", traceparent`;

/** Whether a participant has confirmed something other than the decision. */
export function contradicts({ outcome }: LoggedParticipant, decision: Decision): boolean {
  return outcome !== '' && outcome !== decision;
}

/** A new transaction. */
interface NewEntry {
  readonly id: string;
  readonly coordinator: string;
  readonly kind: string;
  readonly subject: string;
  readonly services: readonly string[];
  /** How long it may stay undecided before any replica aborts it. */
  readonly timeoutMs: number;
  /** Of the call that begins it. */
  readonly traceparent?: string;
}

/** How long a replica that claims an entry has it for itself, in milliseconds. */
const CLAIM_MS = 2_000;
/** An entry that is due by more than this beyond its longest delay, in milliseconds, was written before the server's clock went back. */
export const CLOCK_SLACK_MS = 1_000;
const MAX_ROWS = 1_000;
const MARK_LENGTH = 8;
const MARKED_ID = /^([0-9a-f]{8})-/;

/**
 * The history of the database: its system, and the timeline on which the server writes. The control file has a new timeline only
 * after the first checkpoint, which may take minutes. A standby may lack transactions, so it fails there, as a write does.
 */
const HISTORY = `
  SELECT system_identifier || ':' || CASE WHEN pg_is_in_recovery() THEN pg_current_xact_id()::text
    ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int::text END AS history
  FROM pg_control_system()`;

/**
 * The mark of the log, 8 hex digits with which the ids of transactions begin. Each history of the database has its
 * own mark, because a restore to an earlier time begins a new history.
 *
 * @throws DatabaseUnavailable on a standby.
 */
export async function readMark(database: Database, options: QueryOptions): Promise<string> {
  const { history } = await database.one<{ history: string }>(HISTORY, [], options);
  return createHash('sha256').update(history).digest('hex').slice(0, MARK_LENGTH);
}

/** The mark of the log in which a transaction was begun; undefined if the id has none. */
export function markIn(id: string): string | undefined {
  return MARKED_ID.exec(id)?.[1];
}

/** Logs a transaction before the first Prepare is sent. */
export async function logPreparing(database: Database, entry: NewEntry, options: QueryOptions): Promise<void> {
  const { id, coordinator, kind, subject, services, timeoutMs, traceparent = '' } = entry;
  const participants = services.map((service) => ({ service, outcome: '', error: '' }));
  await database.query(
    `INSERT INTO transaction_log (id, coordinator, kind, subject, state, participants, expire_time, due_time, traceparent)
     SELECT $1, $2, $3, $4, 'preparing', $5::jsonb, expiry, expiry, $7 FROM (SELECT now() + $6 * interval '1 ms' AS expiry) AS e`,
    [id, coordinator, kind, subject, JSON.stringify(participants), timeoutMs, traceparent],
    options,
  );
}

/**
 * Decides to commit when the surrounding transaction commits. It must be the first statement there, so that its row
 * lock keeps other replicas from aborting. Returns false if the transaction was decided before.
 */
export async function logCommitting({ query }: Queries, id: string): Promise<boolean> {
  const rows = await query(
    `UPDATE transaction_log SET state = 'committing', decision = 'committed', update_time = now(),
       due_time = now() + $2 * interval '1 ms'
     WHERE id = $1 AND state = 'preparing' RETURNING id`,
    [id, CLAIM_MS],
  );
  return rows.length > 0;
}

/**
 * Decides to abort an undecided transaction. Returns its entry, whatever the decision; undefined if there is no such
 * transaction.
 */
export async function logAborting(
  database: Queries,
  id: string,
  options?: QueryOptions,
): Promise<LogEntry | undefined> {
  await database.query(
    `UPDATE transaction_log SET state = 'aborting', decision = 'aborted', update_time = now(),
       due_time = now() + $2 * interval '1 ms'
     WHERE id = $1 AND state = 'preparing'`,
    [id, CLAIM_MS],
    options,
  );
  return await findEntry(database, id, options);
}

/** The entry of a transaction; undefined if there is none. */
export function findEntry(database: Queries, id: string, options?: QueryOptions): Promise<LogEntry | undefined> {
  return database.maybeOne<LogEntry>(`SELECT ${ENTRY_COLUMNS} FROM transaction_log WHERE id = $1`, [id], options);
}

/**
 * Claims at most `limit` due entries for {@link CLAIM_MS}. The claim aborts an undecided entry that has expired. An entry whose
 * time is further ahead than the longest delay is due too: the clock was set back.
 */
export function claimDue(
  database: Database,
  { coordinator, limit }: { readonly coordinator: string; readonly limit: number },
  options: QueryOptions,
): Promise<LogEntry[]> {
  return database.query<LogEntry>(
    `UPDATE transaction_log SET
       state = CASE state WHEN 'preparing' THEN 'aborting' ELSE state END,
       decision = coalesce(decision, 'aborted'), update_time = now(), due_time = now() + $3 * interval '1 ms'
     WHERE id IN (
       SELECT id FROM transaction_log
       WHERE state IN ('preparing', 'committing', 'aborting') AND coordinator = $1
         AND (due_time <= now() OR due_time > clock_timestamp() + $4 * interval '1 ms'
           + greatest(expire_time - create_time, $3 * interval '1 ms'))
       ORDER BY due_time LIMIT $2 FOR UPDATE SKIP LOCKED)
     RETURNING ${ENTRY_COLUMNS}`,
    [coordinator, limit, CLAIM_MS, CLOCK_SLACK_MS],
    { ...options, name: 'rondo_transactions_claim' },
  );
}

/** Records what participants confirmed, and when to send the decision to the others again. */
export async function logAttempt(
  database: Database,
  { id, participants }: { readonly id: string; readonly participants: readonly LoggedParticipant[] },
  backoffMs: number,
): Promise<void> {
  await database.query(
    `UPDATE transaction_log SET participants = $2::jsonb, attempts = attempts + 1, update_time = now(),
       due_time = now() + $3 * interval '1 ms'
     WHERE id = $1 AND state IN ('committing', 'aborting')`,
    [id, JSON.stringify(participants), backoffMs],
  );
}

/** Records that all participants have confirmed. Returns false if that was recorded before. */
export async function logFinished(
  { query }: Queries,
  id: string,
  {
    state,
    participants,
  }: { readonly state: Decision | 'conflict'; readonly participants: readonly LoggedParticipant[] },
): Promise<boolean> {
  const rows = await query(
    `UPDATE transaction_log SET state = $2, participants = $3::jsonb, attempts = attempts + 1, update_time = now()
     WHERE id = $1 AND state IN ('committing', 'aborting') RETURNING id`,
    [id, state, JSON.stringify(participants)],
  );
  return rows.length > 0;
}

/** Records that an operator has resolved a conflict. Returns false if there is none. */
export async function logConflictResolved({ query }: Queries, id: string, state: Decision): Promise<boolean> {
  const rows = await query(
    `UPDATE transaction_log SET state = $2, update_time = now() WHERE id = $1 AND state = 'conflict' RETURNING id`,
    [id, state],
  );
  return rows.length > 0;
}

/** Unfinished entries and conflicts, the oldest first; at most 1,000. */
export function listUnfinished(database: Database, coordinator: string, options: QueryOptions): Promise<LogEntry[]> {
  return database.query<LogEntry>(
    `SELECT ${ENTRY_COLUMNS} FROM transaction_log
     WHERE state NOT IN ('committed', 'aborted') AND coordinator = $1 ORDER BY create_time, id LIMIT $2`,
    [coordinator, MAX_ROWS],
    options,
  );
}
