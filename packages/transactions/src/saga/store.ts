import type { Database, Queries, QueryOptions } from '@rondo/database';
import { CLOCK_SLACK_MS } from '../coordinator/log.js';

/** A saga in the database. */
export interface SagaRow {
  readonly id: string;
  readonly kind: string;
  readonly subject: string;
  /** JSON. */
  readonly input: unknown;
  /** JSON, by step name. */
  readonly results: Readonly<Record<string, unknown>>;
  readonly state: 'running' | 'compensating' | 'done' | 'compensated';
  /** Whether it waits for an operator. */
  readonly parked: boolean;
  /** Index in the definition's steps. */
  readonly step: number;
  /** How often this step has failed. */
  readonly attempts: number;
  readonly error: string;
  readonly createTime: Date;
}

/** A saga as an operator sees it. */
export interface SagaEntry extends SagaRow {
  /** Empty if this version of the service doesn't know its kind or step. */
  readonly stepName: string;
}

/** The columns of a {@link SagaRow}. */
const SAGA_COLUMNS = `id, kind, subject, input, results, state, parked, step, attempts, error,
  create_time AS "createTime"`;

interface NewSaga {
  readonly id: string;
  readonly kind: string;
  readonly subject: string;
  readonly input: unknown;
}

/** How long a process that claims a saga has it for itself, in milliseconds. */
export const SAGA_CLAIM_MS = 10_000;
/** The longest pause before a step is tried again, in milliseconds. */
export const MAX_BACKOFF_MS = 60_000;
const RETENTION_DAYS = 30;
const MAX_ROWS = 1_000;

/** Inserts a saga; returns false if one with the same id exists. */
export async function insertSaga({ query }: Queries, { id, kind, subject, input }: NewSaga): Promise<boolean> {
  const rows = await query(
    `INSERT INTO sagas (id, kind, subject, input, state) VALUES ($1, $2, $3, $4::jsonb, 'running')
     ON CONFLICT DO NOTHING RETURNING id`,
    [id, kind, subject, JSON.stringify(input)],
  );
  return rows.length > 0;
}

/** Claims at most `limit` due sagas of these kinds. One is also due if its time is further ahead than any pause. */
export function claimSagas(
  database: Database,
  { kinds, limit }: { readonly kinds: readonly string[]; readonly limit: number },
  options: QueryOptions,
): Promise<SagaRow[]> {
  return database.query<SagaRow>(
    `UPDATE sagas SET due_time = now() + $3 * interval '1 ms' WHERE id IN (
       SELECT id FROM sagas WHERE state IN ('running', 'compensating') AND NOT parked AND kind = ANY($1)
         AND (due_time <= now() OR due_time > clock_timestamp() + $4 * interval '1 ms') ORDER BY due_time LIMIT $2 FOR UPDATE SKIP LOCKED)
     RETURNING ${SAGA_COLUMNS}`,
    [kinds, limit, SAGA_CLAIM_MS, MAX_BACKOFF_MS + CLOCK_SLACK_MS],
    options,
  );
}

/** The next state of a saga after a step. */
export interface SagaMove {
  readonly state: SagaRow['state'];
  readonly step: number;
  readonly results: Readonly<Record<string, unknown>>;
  /** Why it is being compensated; empty otherwise. */
  readonly error: string;
}

/** Moves a saga on, unless another process has; then undefined. */
export async function moveSaga({ query }: Queries, from: SagaRow, to: SagaMove): Promise<SagaRow | undefined> {
  const rows = await query<SagaRow>(
    `UPDATE sagas SET state = $4, step = $5, results = $6::jsonb, error = $7, attempts = 0, update_time = now(),
       due_time = now() + $8 * interval '1 ms'
     WHERE id = $1 AND state = $2 AND step = $3 AND NOT parked RETURNING ${SAGA_COLUMNS}`,
    [from.id, from.state, from.step, to.state, to.step, JSON.stringify(to.results), to.error, SAGA_CLAIM_MS],
  );
  return rows[0];
}

/** Records that a step has failed, and when to retry it, or that the saga waits for an operator. */
export async function recordFailure(
  { query }: Queries,
  { id, state, step }: SagaRow,
  { error, backoffMs, parked }: { readonly error: string; readonly backoffMs: number; readonly parked: boolean },
): Promise<void> {
  await query(
    `UPDATE sagas SET attempts = attempts + 1, error = $4, parked = $5, update_time = now(),
       due_time = now() + $6 * interval '1 ms'
     WHERE id = $1 AND state = $2 AND step = $3`,
    [id, state, step, error, parked, backoffMs],
  );
}

/** Resumes a saga at once; undefined if it doesn't exist or is finished. */
export async function unpark({ query }: Queries, id: string): Promise<SagaRow | undefined> {
  const rows = await query<SagaRow>(
    `UPDATE sagas SET parked = false, attempts = 0, due_time = now(), update_time = now()
     WHERE id = $1 AND state IN ('running', 'compensating') RETURNING ${SAGA_COLUMNS}`,
    [id],
  );
  return rows[0];
}

/** Unfinished sagas; those that wait for an operator come first. At most 1,000. */
export function listUnfinishedSagas(database: Queries, options: QueryOptions): Promise<SagaRow[]> {
  return database.query<SagaRow>(
    `SELECT ${SAGA_COLUMNS} FROM sagas WHERE state IN ('running', 'compensating')
     ORDER BY parked DESC, create_time, id LIMIT $1`,
    [MAX_ROWS],
    options,
  );
}

/** Deletes at most `limit` sagas that finished more than 30 days ago, and returns how many. */
export async function pruneSagas(database: Queries, limit: number, options: QueryOptions): Promise<number> {
  const { length } = await database.query(
    `DELETE FROM sagas WHERE id IN (SELECT id FROM sagas
       WHERE state IN ('done', 'compensated') AND update_time < now() - make_interval(days => $1)
       ORDER BY update_time LIMIT $2 FOR UPDATE SKIP LOCKED)
     RETURNING id`,
    [RETENTION_DAYS, limit],
    options,
  );
  return length;
}
