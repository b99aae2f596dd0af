import type { Database, Queries } from '@rondo/database';
import { Status } from '@rondo/rpc/status';
import { PARKED } from '../owners.js';
import { runErrors } from './errors.js';
import { CANCELLED } from './outcome.js';
import { TIMELINE } from './postgres-store.js';
import type { Outcome, StepKind } from './store.js';

/** The states of runs that go on. Each but the first is stored as `open`: the row of jobs has the rest. */
const OPEN = ['blocked', 'parked', 'running', 'waiting'] as const;
const ENDED = ['succeeded', 'cancelled', 'failed'] as const;
type State = (typeof OPEN | typeof ENDED)[number];
export const STATES: Readonly<Record<'open' | 'ended', readonly State[]>> = { open: OPEN, ended: ENDED };

/** A run as it is stored, with what its row of jobs says. */
export interface RunRow {
  readonly id: string;
  readonly method: string;
  readonly caller: string;
  readonly key: string;
  readonly fingerprint: Uint8Array;
  /** `parked`: no living worker's function fits its records. `running`: a process has it, or will as soon as it has room. */
  readonly state: State;
  readonly blocked: string | null;
  readonly code: number | null;
  readonly result: Uint8Array | null;
  readonly createTime: Date;
  readonly endTime: Date | null;
  readonly restoreTime: Date | null;
  readonly dueTime: Date | null;
  readonly attempts: number | null;
  readonly error: string | null;
}

/** The method of a run's row of jobs: without a slash, so that it is no job to those who list jobs. */
export const taskOf = (method: string): string => method.replace('/', '.');

const TASK = `LEFT JOIN jobs ON jobs.method = replace(workflow_runs.method, '/', '.') AND jobs.key = workflow_runs.id AND end_time IS NULL`;
const RUNNING = '(claim IS NOT NULL OR due_time <= now())';
const STATE = `CASE WHEN state <> 'open' THEN state WHEN ${PARKED} THEN 'parked' WHEN ${RUNNING} THEN 'running' ELSE 'waiting' END`;
const ROWS = `
  SELECT workflow_runs.id, workflow_runs.method, caller, workflow_runs.key, fingerprint, blocked, code, result,
    workflow_runs.create_time AS "createTime", end_time AS "endTime", restore_time AS "restoreTime", due_time AS "dueTime", error,
    CASE WHEN blocked IS NULL THEN attempts ELSE tried END AS attempts,
    ${STATE} AS state
  FROM workflow_runs ${TASK}`;

/** A run that is to be stored. */
export interface NewRun extends Pick<RunRow, 'id' | 'method' | 'caller' | 'key' | 'fingerprint'> {
  readonly request: Uint8Array;
  readonly traceparent: string;
  readonly at: Date | undefined;
}

/** Lets a run go on now, or at a time. One that a process has stays as it is. */
const wake = ({ query }: Queries, { method, id, at, traceparent }: Pick<RunRow, 'method' | 'id'> & Partial<NewRun>) =>
  query(
    `INSERT INTO jobs AS task (method, key, request, due_time, traceparent) VALUES ($1, $2, '', coalesce($3, now()), $4)
     ON CONFLICT (method, key) DO UPDATE SET due_time = now(), attempts = 0, unfit = NULL WHERE task.claim IS NULL`,
    [taskOf(method), id, at ?? null, traceparent ?? ''],
  );

/**
 * Stores a run, once for each key of a caller.
 *
 * @throws RpcError `ALREADY_EXISTS` if the key had another request.
 */
export async function startRun(transaction: Queries, run: NewRun): Promise<RunRow> {
  const { id, method, caller, key, fingerprint, request, traceparent } = run;
  const stored = await transaction.query(
    `INSERT INTO workflow_runs (id, method, caller, key, fingerprint, request, traceparent, timeline)
     VALUES ($1, $2, $3, $4, $5, $6, $7, ${TIMELINE}) ON CONFLICT (method, caller, key) DO NOTHING RETURNING id`,
    [id, method, caller, key, fingerprint, request, traceparent],
  );
  if (stored.length > 0) await wake(transaction, run);
  const named = `${ROWS} WHERE workflow_runs.method = $1 AND caller = $2 AND workflow_runs.key = $3`;
  const row = await transaction.one<RunRow>(named, [method, caller, key]);
  if (Buffer.compare(row.fingerprint, fingerprint) !== 0) throw runErrors.RUN_KEY_REUSED({ key, method });
  return row;
}

export const findRun = ({ maybeOne }: Queries, id: string): Promise<RunRow | undefined> =>
  maybeOne<RunRow>(`${ROWS} WHERE workflow_runs.id = $1`, [id]);

/** The ids of the runs that have ended, of these. */
export async function endedRuns({ query }: Queries, ids: readonly string[]): Promise<readonly string[]> {
  const sql = 'SELECT id FROM workflow_runs WHERE id = ANY($1) AND end_time IS NOT NULL';
  return (await query<{ id: string }>(sql, [ids])).map(({ id }) => id);
}

/** A page ends with the result that goes beyond it: a message has at most 4 MiB, and a result 1 MiB. */
const PAGE_BYTES = 2 * 1024 * 1024;

/** The token of the page after these rows; empty if they are the last. */
export function nextPageToken(rows: readonly RunRow[], most: number): string {
  const sizeBytes = rows.reduce((sum, { result }) => sum + (result?.length ?? 0), 0);
  return rows.length < most && sizeBytes < PAGE_BYTES ? '' : (rows.at(-1)?.id ?? '');
}

/** Which runs to list. */
export interface RunList {
  readonly methods: readonly string[];
  readonly states: readonly State[];
  /** The id of a run: only older ones are listed. */
  readonly before: string | undefined;
  readonly most: number;
}

/**
 * The runs of these methods in these states, the newest first. Each method and stored state is a range of an index, read from its end. If the
 * row of jobs has the state, an index of jobs may be read instead.
 */
export function listRuns({ query }: Queries, { methods, states, before, most }: RunList): Promise<RunRow[]> {
  const isOpen = (state: State) => state === 'parked' || state === 'running' || state === 'waiting';
  const stored = new Set(states.map((state) => (isOpen(state) ? 'open' : state)));
  return query<RunRow>(
    `${ROWS} WHERE workflow_runs.id = ANY(ARRAY(
       SELECT id FROM (
         SELECT listed.id, coalesce(sum(size) OVER (ORDER BY listed.id DESC ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW), 0) AS earlier
         FROM unnest($1::text[]) AS of_method, unnest($2::text[]) AS of_state CROSS JOIN LATERAL (
           SELECT workflow_runs.id, octet_length(result) AS size FROM workflow_runs ${TASK}
           WHERE workflow_runs.method = of_method AND state = of_state AND ($3::text IS NULL OR workflow_runs.id < $3)
             AND ${STATE} = ANY($4) AND ($4 <> '{parked}'::text[] OR unfit IS NOT NULL) AND ($4 <> '{running}'::text[] OR ${RUNNING})
           ORDER BY workflow_runs.id DESC LIMIT $5) AS listed
         ORDER BY listed.id DESC LIMIT $5) AS page
       WHERE earlier < ${PAGE_BYTES}))
     ORDER BY workflow_runs.id DESC`,
    [methods, [...stored], before ?? null, states, most],
  );
}

/** A step as operators see it. */
export interface ShownStep {
  readonly name: string;
  readonly kind: StepKind;
  readonly undoing: boolean;
  readonly beginTime: Date;
  readonly endTime: Date | null;
  readonly code: number | null;
  readonly result: Uint8Array | null;
  readonly traceId: string | null;
}

export const listSteps = ({ query }: Queries, id: string): Promise<ShownStep[]> =>
  query<ShownStep>(
    `SELECT name, kind, undoing, begin_time AS "beginTime", end_time AS "endTime", code, CASE WHEN code <> 0 THEN result END AS result, trace_id AS "traceId"
     FROM workflow_steps WHERE run = $1 ORDER BY begin_time, place`,
    [id],
  );

/** A step with its outcome. */
export type RecordRow = Pick<ShownStep, 'name' | 'kind' | 'undoing' | 'code'> & {
  readonly bytes: Uint8Array | null;
  readonly place: number | null;
};

/** Up to 200 runs of these methods that go on, as many of each, with their steps. Those with more than 1 MiB of results are left out. */
export async function* readRecords({ query }: Queries, methods: readonly string[]) {
  const runs = await query<Pick<RunRow, 'id' | 'method' | 'createTime'> & { request: Uint8Array; undoing: boolean }>(
    `SELECT id, method, request, create_time AS "createTime", code IS NOT NULL AS undoing FROM workflow_runs WHERE id IN (
       SELECT key FROM unnest($1::text[]) AS listed (method) CROSS JOIN LATERAL (
         SELECT key FROM jobs WHERE jobs.method = listed.method AND NOT failed ORDER BY due_time LIMIT 200 / cardinality($1)) AS open)
       AND (SELECT coalesce(sum(octet_length(result)), 0) FROM workflow_steps WHERE run = id) <= 1048576`,
    [methods.map(taskOf)],
  );
  const sql = 'SELECT name, kind, undoing, code, result AS bytes, place FROM workflow_steps WHERE run = $1';
  for (const run of runs) yield { ...run, steps: await query<RecordRow>(sql, [run.id]) };
}

/** Locks a run, before its row of jobs. */
async function lock({ maybeOne }: Queries, where: string, params: readonly string[]) {
  const sql = `SELECT id, method, blocked IS NOT NULL AS blocked, code, end_time AS "endTime" FROM workflow_runs WHERE ${where} FOR NO KEY UPDATE`;
  return await maybeOne<Pick<RunRow, 'id' | 'method' | 'code' | 'endTime'> & { blocked: boolean }>(sql, params);
}

/** Ends what an operator was asked about. A call is left as it is: its outcome isn't known, and it isn't undone. */
const SETTLE = `
  UPDATE workflow_steps SET unsettled = false, end_time = now(), code = CASE WHEN kind IN ('call', 'child') THEN ${Status.ABORTED} ELSE 0 END,
    place = (SELECT coalesce(max(place), 0) + 1 FROM workflow_steps AS others WHERE others.run = workflow_steps.run)
  WHERE run = $1 AND unsettled AND `;

/** Ends a run as cancelled, once it is undone; undefined if there is none. One that has ended stays as it is. */
export async function cancelRun(transaction: Queries, id: string): Promise<{ readonly ended: boolean } | undefined> {
  const run = await lock(transaction, 'id = $1', [id]);
  if (run === undefined || run.endTime !== null) return run && { ended: true };
  if (run.blocked) await transaction.query(`${SETTLE} true`, [id]);
  await transaction.query(
    'UPDATE workflow_runs SET blocked = NULL, code = coalesce(code, $2), result = CASE WHEN code IS NULL THEN $3 ELSE result END WHERE id = $1',
    [id, CANCELLED.code, CANCELLED.bytes],
  );
  await wake(transaction, run);
  return { ended: false };
}

/** Lets a run go on now; undefined if there is none. A call that it waits for is made again; an undo was made by hand. */
export async function retryRun(transaction: Queries, id: string): Promise<{ readonly ended: boolean } | undefined> {
  const run = await lock(transaction, 'id = $1', [id]);
  if (run === undefined || run.endTime !== null) return run && { ended: true };
  if (run.blocked) {
    await transaction.query(`${SETTLE} kind = 'undo'`, [id]);
    const again =
      'UPDATE workflow_steps SET unsettled = false, begin_time = clock_timestamp() WHERE run = $1 AND unsettled';
    await transaction.query(again, [id]);
    await transaction.query('UPDATE workflow_runs SET blocked = NULL WHERE id = $1', [id]);
  }
  await wake(transaction, run);
  return { ended: false };
}

/** How many signals wait for a run. */
const MAX_SIGNALS = 100;

/** A run by its id, or by the workflow and the key with which its own service has started it. */
export type RunTarget = { readonly id: string } | { readonly method: string; readonly key: string };

/** Sends a signal to a run when the transaction commits, after those whose transactions have locked the run before. @throws RpcError */
export async function sendSignal(
  transaction: Queries,
  target: RunTarget,
  { name, value }: { readonly name: string; readonly value: Uint8Array },
): Promise<void> {
  const run = await ('id' in target
    ? lock(transaction, 'id = $1', [target.id])
    : lock(transaction, "method = $1 AND caller = '' AND key = $2", [target.method, target.key]));
  const shown = 'id' in target ? target.id : target.key;
  if (run === undefined) throw runErrors.NO_RUN({ run: shown });
  if (run.endTime !== null) throw runErrors.RUN_ENDED({ run: shown });
  const { query } = transaction;
  const sent = await query(
    `INSERT INTO workflow_signals (run, name, value) SELECT $1, $2, $3
     WHERE (SELECT count(*) FROM workflow_signals WHERE run = $1) < ${MAX_SIGNALS} RETURNING place`,
    [run.id, name, value],
  );
  if (sent.length === 0) throw runErrors.SIGNALS_FULL({ run: shown, most: MAX_SIGNALS });
  // One that is tried again after a failure, or begins later, keeps its time.
  await query(
    `UPDATE jobs SET due_time = now() WHERE method = $1 AND key = $2 AND claim IS NULL AND attempts = 0 AND due_time > now()
       AND EXISTS (SELECT FROM workflow_steps WHERE run = $2 AND signal = $3 AND end_time IS NULL)`,
    [taskOf(run.method), run.id, name],
  );
}

const BATCH = 100;

/** Removes runs whose retention has passed. */
export async function pruneRuns({ query }: Pick<Database, 'query'>, signal: AbortSignal): Promise<void> {
  const sql = `DELETE FROM workflow_runs WHERE id IN (
    SELECT id FROM workflow_runs WHERE expire_time < now() ORDER BY expire_time LIMIT ${BATCH} FOR UPDATE SKIP LOCKED) RETURNING id`;
  for (let more = true; more; ) more = (await query(sql, [], { signal })).length === BATCH;
}

/** The outcome of a run that has ended; undefined if it hasn't. */
export const outcomeIn = ({
  code,
  result,
  endTime,
}: Pick<RunRow, 'code' | 'result' | 'endTime'>): Outcome | undefined =>
  code === null || endTime === null ? undefined : { code, bytes: result };
