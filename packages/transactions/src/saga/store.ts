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
  /** The names of its steps; null if a version that stored no names began it, and no other has continued it. */
  readonly steps: readonly string[] | null;
  /** Index in its steps. */
  readonly step: number;
  /** How often this step has failed. */
  readonly attempts: number;
  readonly error: string;
  readonly createTime: Date;
}

/** A saga as an operator sees it. It is also parked if this process has other steps; then `error` says so. */
export interface SagaEntry extends SagaRow {
  /** Empty if this version of the service doesn't know its kind or step. */
  readonly stepName: string;
}

/** The names of the steps of a kind. */
export interface KnownSteps {
  readonly kind: string;
  readonly steps: readonly string[];
}

/** Ends the kind of rows with names: versions that stored no names would run these rows by index. */
const BY_NAME = ' by name';
const KIND = `CASE WHEN sagas.steps IS NULL THEN sagas.kind ELSE left(sagas.kind, -${BY_NAME.length}) END`;

/** The columns of a {@link SagaRow}. */
const SAGA_COLUMNS = `sagas.id, ${KIND} AS kind, sagas.subject, sagas.input, sagas.results, sagas.state, sagas.parked,
  sagas.steps, sagas.step, sagas.attempts, sagas.error, sagas.create_time AS "createTime"`;

/** Sagas with the steps that this process knows, which are the first parameter. */
const WITH_KNOWN = `sagas LEFT JOIN jsonb_to_recordset($1::jsonb) AS known (kind text, steps jsonb) ON known.kind = ${KIND}`;
const RESULTS = '(SELECT count(*)::integer FROM jsonb_object_keys(sagas.results))';
/**
 * Whether a saga has the steps that this process knows. A row without names has them if nothing contradicts it: its results are those
 * of the first steps, there is a next step, and the refusal that it stores, if any, is of that step.
 */
const FITS = `CASE WHEN sagas.steps IS NOT NULL THEN sagas.steps = known.steps
  ELSE ${RESULTS} < jsonb_array_length(known.steps)
    AND sagas.results ?& ARRAY(SELECT jsonb_array_elements_text(known.steps) LIMIT ${RESULTS})
    AND CASE sagas.state WHEN 'running' THEN sagas.step = ${RESULTS}
      ELSE sagas.step < ${RESULTS} OR sagas.step = ${RESULTS} AND (sagas.attempts > 0 OR sagas.error = ''
        OR starts_with(sagas.error, (known.steps ->> sagas.step) || ': ')) END
  END`;

interface NewSaga extends KnownSteps {
  readonly id: string;
  readonly subject: string;
  readonly input: unknown;
}

/** How long a process that claims a saga has it for itself, in milliseconds. */
export const SAGA_CLAIM_MS = 10_000;
/** The longest pause before a step is tried again, in milliseconds. */
export const MAX_BACKOFF_MS = 60_000;
const MAX_ROWS = 1_000;

/** Inserts a saga; returns false if one with the same id exists. */
export async function insertSaga({ query }: Queries, { id, kind, steps, subject, input }: NewSaga): Promise<boolean> {
  const rows = await query(
    `INSERT INTO sagas (id, kind, subject, input, steps, state) VALUES ($1, $2, $3, $4::jsonb, $5::jsonb, 'running')
     ON CONFLICT DO NOTHING RETURNING id`,
    [id, `${kind}${BY_NAME}`, subject, JSON.stringify(input), JSON.stringify(steps)],
  );
  return rows.length > 0;
}

interface Claim {
  readonly known: readonly KnownSteps[];
  readonly limit: number;
  /** The ids of sagas that this process is running. */
  readonly running: readonly string[];
}

/** Claims at most `limit` due sagas with known steps. One is also due if its time is further ahead than any pause. */
export function claimSagas(
  database: Database,
  { known, limit, running }: Claim,
  options: QueryOptions,
): Promise<SagaRow[]> {
  return database.query<SagaRow>(
    `UPDATE sagas SET due_time = now() + $3 * interval '1 ms', steps = due.steps, kind = due.kind || '${BY_NAME}'
     FROM (SELECT sagas.id, known.kind, known.steps FROM ${WITH_KNOWN}
       WHERE sagas.state IN ('running', 'compensating') AND NOT sagas.parked AND ${FITS} AND sagas.id <> ALL($5)
         AND (sagas.due_time <= now() OR sagas.due_time > clock_timestamp() + $4 * interval '1 ms')
       ORDER BY sagas.due_time LIMIT $2 FOR UPDATE OF sagas SKIP LOCKED) AS due
     WHERE sagas.id = due.id RETURNING ${SAGA_COLUMNS}`,
    [JSON.stringify(known), limit, SAGA_CLAIM_MS, MAX_BACKOFF_MS + CLOCK_SLACK_MS, running],
    { ...options, name: 'rondo_sagas_claim' },
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

/** Resumes a saga at once, if it exists and isn't finished. */
export async function unpark({ query }: Queries, id: string): Promise<void> {
  await query(
    `UPDATE sagas SET parked = false, attempts = 0, error = CASE WHEN attempts = 0 THEN error ELSE '' END,
       due_time = now(), update_time = now()
     WHERE id = $1 AND state IN ('running', 'compensating')`,
    [id],
  );
}

/** A saga, and whether it has the steps that this process knows. */
export interface ListedSaga extends SagaRow {
  readonly fits: boolean;
}

/** Unfinished sagas, or that with the id; those that wait for an operator come first. At most 1,000. */
export function listUnfinishedSagas(
  database: Queries,
  { known, id = null }: { readonly known: readonly KnownSteps[]; readonly id?: string | null },
  options: QueryOptions = {},
): Promise<ListedSaga[]> {
  return database.query<ListedSaga>(
    `SELECT ${SAGA_COLUMNS}, coalesce(${FITS}, false) AS fits FROM ${WITH_KNOWN}
     WHERE sagas.state IN ('running', 'compensating') AND ($3::text IS NULL OR sagas.id = $3)
     ORDER BY sagas.parked DESC, sagas.create_time, sagas.id LIMIT $2`,
    [JSON.stringify(known), MAX_ROWS, id],
    options,
  );
}
