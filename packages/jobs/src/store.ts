import type { Database, Queries, QueryOptions } from '@rondo/database';
import { ATTEMPT, type Attempt, type Claim, type Claimed, claimed, claimParams, LEASE_MS } from './attempt.js';
import { claimByKey } from './keys.js';
import { unblock } from './lanes.js';

/** A job that is to be stored. */
export interface NewJob {
  readonly method: string;
  readonly key: string;
  readonly request: Uint8Array;
  /** As soon as possible if it is undefined. */
  readonly at: Date | undefined;
  readonly traceparent: string;
  /** Its key, if its method has a bound for each. */
  readonly lane?: string | undefined;
}

/** A UUID of version 7, which begins with the time. */
const NEW_UID = `encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
  PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid`;

const RUNS = 'stored.claim IS NOT NULL AND stored.due_time > clock_timestamp()';

/** Stores a job, in the place of one with the same key. If an attempt of that runs, its end lets this one begin. */
export async function insertJob({ query }: Queries, job: NewJob): Promise<void> {
  const { method, key, request, at = null, traceparent, lane = null } = job;
  await query(
    `INSERT INTO jobs AS stored (method, key, request, due_time, traceparent, lane, ready, uid, claims)
     VALUES ($1, $2, $3, coalesce($4, now()), $5, $6, $6::text IS NOT NULL AND coalesce($4 <= now(), true), ${NEW_UID}, 0)
     ON CONFLICT (method, key) DO UPDATE SET request = EXCLUDED.request, version = stored.version + 1,
       due_time = CASE WHEN ${RUNS} THEN stored.due_time ELSE EXCLUDED.due_time END,
       claim = CASE WHEN ${RUNS} THEN rtrim(stored.claim, '+') || '+' END,
       next_time = CASE WHEN ${RUNS} THEN EXCLUDED.due_time END, attempts = 0, claims = 0, ends = 0, refusals = 0,
       error = '', failed = false, progress = '', traceparent = EXCLUDED.traceparent, create_time = now(), lane = EXCLUDED.lane,
       ready = false`,
    [method, key, request, at, traceparent, lane],
    { name: 'rondo_job_insert' },
  );
}

/** Removes a job; false if it has ended, `running` if an attempt of it runs. */
export async function deleteJob({ maybeOne }: Queries, method: string, key: string): Promise<boolean | 'running'> {
  const sql = `DELETE FROM jobs AS stored WHERE method = $1 AND key = $2 RETURNING ${RUNS} AS running`;
  const job = await maybeOne<{ running: boolean | null }>(sql, [method, key]);
  return job?.running === true ? 'running' : job !== undefined;
}

/** The ids are an array: PostgreSQL takes a join for a large one if many jobs are due, and reads the whole table. */
const CLAIM = `
  UPDATE jobs SET ${claimed({ claim: '$4', leaseMs: '$5', here: '$6', instance: '$7' })}, uid = coalesce(uid, ${NEW_UID})
  WHERE id = ANY(ARRAY(
    SELECT picked.id FROM unnest((SELECT $1::text[]), (SELECT $2::integer[]), (SELECT $3::integer[])) AS wanted (method, most, bound)
    CROSS JOIN LATERAL (
      SELECT id FROM jobs AS waiting WHERE waiting.method = wanted.method AND NOT failed AND ends = 0 AND due_time <= now()
        AND (split_part($4, '-', 1) = ANY(unfit)) IS NOT TRUE
        AND (claim IS NULL OR next_time IS NULL OR next_time <= now())
      ORDER BY due_time
      LIMIT greatest(0, least(wanted.most, wanted.bound - (
        SELECT count(*) FROM jobs AS others WHERE others.method = wanted.method AND claim IS NOT NULL AND due_time > now())))
      FOR UPDATE SKIP LOCKED
    ) AS picked))
  RETURNING ${ATTEMPT.outer}`;

/** Takes jobs that are due. The process has them until it settles them, or its heartbeats stop. */
export async function claimJobs(database: Database, claim: Claim, options: QueryOptions): Promise<Claimed> {
  const { wanted } = claim;
  const unkeyed = wanted.filter(({ perKey }) => !perKey);
  const take = async (queries: Queries) => {
    const attempts: Attempt[] = [];
    for (const one of wanted) if (one.perKey) attempts.push(...(await claimByKey(queries, one, claim)));
    const params = [
      unkeyed.map(({ method }) => method),
      unkeyed.map(({ most }) => most),
      unkeyed.map(({ maxRunning }) => maxRunning),
      ...claimParams(claim),
    ];
    if (unkeyed.length > 0)
      attempts.push(...(await queries.query<Attempt>(CLAIM, params, { ...options, name: 'rondo_job_claim' })));
    return { attempts, more: attempts.length > 0 };
  };
  const bounded = wanted.filter(({ maxRunning, perKey }) => maxRunning !== null || perKey).map(({ method }) => method);
  if (bounded.length === 0) return await take(database);
  return await database.transaction(async (transaction) => {
    await lockCounts(transaction, bounded);
    return await take(transaction);
  }, options);
}

/** One process at a time counts what runs of these methods. */
export async function lockCounts({ query }: Queries, methods: readonly string[]): Promise<void> {
  const sql =
    'SELECT pg_advisory_xact_lock(hashtextextended(method, 7)) FROM unnest($1::text[]) AS method ORDER BY method';
  await query(sql, [methods]);
}

/** An attempt that a process has. */
export type Held = Pick<Attempt, 'id' | 'claim'>;
/** The ids and claims, as parameters. */
export const heldOf = (held: readonly Held[]) => [held.map(({ id }) => id), held.map(({ claim }) => claim)] as const;
const nameOf = ({ id, claim }: Held) => `${id}:${claim}`;
const ID = 'unnest((SELECT $1::bigint[]), (SELECT $2::text[])) AS held (id, claim) WHERE jobs.id = held.id AND';
const HELD = `${ID} jobs.claim = held.claim`;

/** Lets the jobs begin that replaced those which the attempts were of: of these, no row was `found`. */
async function succeed({ query }: Queries, held: readonly Held[], found: readonly object[]): Promise<void> {
  if (found.length === held.length) return;
  await query(
    `UPDATE jobs SET claim = NULL, due_time = next_time, next_time = NULL
     FROM ${ID} jobs.claim = held.claim || '+'`,
    heldOf(held),
  );
}

/** An event that is to be delivered is in the same table, by the name of its group. */
export const isJob = (method: string): boolean => method.includes('/');

/** Removes jobs that have succeeded, and lets the next of their lanes begin. */
export async function settleJobs(database: Database, held: readonly Attempt[]): Promise<void> {
  const settle = async (queries: Queries) => {
    const sql = `DELETE FROM jobs USING ${HELD} RETURNING jobs.id`;
    await succeed(queries, held, await queries.query(sql, heldOf(held), { name: 'rondo_job_settle' }));
  };
  const laned = held.filter(({ lane, method }) => lane !== null && !isJob(method));
  if (laned.length === 0) await settle(database);
  else
    await database.transaction(async (transaction) => {
      await settle(transaction);
      await unblock(transaction, laned);
    });
}

/**
 * Removes the job of an attempt in the transaction of its handler, or lets the job begin that replaced it.
 *
 * @throws Error if the job isn't that of this process any more.
 */
export async function settleWithin({ query }: Pick<Queries, 'query'>, { id, claim }: Held): Promise<void> {
  const removed = await query('DELETE FROM jobs WHERE id = $1 AND claim = $2 RETURNING id', [id, claim], {
    name: 'rondo_job_settle_within',
  });
  if (removed.length > 0) return;
  const next = `UPDATE jobs SET claim = NULL, due_time = next_time, next_time = NULL WHERE id = $1 AND claim = $2 || '+' RETURNING id`;
  if ((await query(next, [id, claim])).length === 0) throw new Error('the job is no longer that of this process');
}

/**
 * Returns the attempts whose jobs this process no longer has. One whose job was replaced goes on to its end. Leases are renewed that end soon,
 * but that of a job which another session locks stays as it is.
 */
export async function renewJobs<T extends Held>({ query }: Queries, held: readonly T[]): Promise<readonly T[]> {
  const rows = await query<Held>(
    `WITH free AS (SELECT jobs.id FROM jobs, ${ID} rtrim(jobs.claim, '+') = held.claim
       AND due_time < now() + $3 / 2 * interval '1 ms' FOR UPDATE OF jobs SKIP LOCKED),
     renewed AS (UPDATE jobs SET due_time = clock_timestamp() + $3 * interval '1 ms' FROM free WHERE jobs.id = free.id)
     SELECT held.id, held.claim FROM jobs, ${ID} rtrim(jobs.claim, '+') = held.claim`,
    [...heldOf(held), LEASE_MS],
  );
  const kept = new Set(rows.map(nameOf));
  return held.filter((one) => !kept.has(nameOf(one)));
}

/** Gives jobs back, whose attempts don't count, for a refusal if there is one. */
export async function releaseJobs(
  database: Queries,
  held: readonly Held[],
  { waitMs = 0, refusal = null }: { readonly waitMs?: number; readonly refusal?: string | null } = {},
): Promise<void> {
  const released = await database.query(
    `UPDATE jobs SET claim = NULL, attempts = attempts - 1, due_time = now() + $3 * interval '1 ms', ends = least(ends, 1),
       error = coalesce($4, error), refusals = refusals + ($4 IS NOT NULL)::integer FROM ${HELD} RETURNING jobs.id`,
    [...heldOf(held), waitMs, refusal],
  );
  await succeed(database, held, released);
}

const MAX_TEXT = { error: 500, progress: 200 };
/** A text as PostgreSQL stores it, which has no NUL. */
export const storable = (text: string, most?: number) => text.replaceAll('\0', '\\0').slice(0, most);

/** An error as it is stored. */
export const errorText = (error: unknown) =>
  storable(error instanceof Error ? error.message : String(error), MAX_TEXT.error);

/** How an attempt has failed. */
export interface Failure {
  readonly error: string;
  readonly failed: boolean;
  readonly backoffMs: number;
  /** Whether the error is the outcome of the call for good. */
  readonly isFinal: boolean;
  /** Whether the job keeps its lane, also if it has failed for good. */
  readonly staysInLane: boolean;
  /** Whether its instance has ended. Otherwise the job is no suspect any more: it was called alone. */
  readonly ended: boolean;
}

/** Stores that an attempt may have ended its instance, as its own process may end before that is known. */
export async function doubtJob({ query }: Queries, { id, claim, ends }: Attempt): Promise<void> {
  await query('UPDATE jobs SET ends = $3 WHERE id = $1 AND claim = $2', [id, claim, ends + 1]);
}

/** Stores that an attempt goes on without ending its process: the job is no suspect any more. */
export async function clearJob({ query }: Queries, { id, claim }: Held): Promise<void> {
  await query('UPDATE jobs SET ends = 0 WHERE id = $1 AND claim = $2', [id, claim]);
}

/** Stores that an attempt has failed, and when the next one is due; false if its job has ended. `anew`: that one is another call, with a key of its own. */
export async function failJob(
  database: Database,
  attempt: Attempt,
  { error, failed, backoffMs, anew, staysInLane, ended }: Omit<Failure, 'isFinal'> & { readonly anew: boolean },
): Promise<boolean> {
  const leaves = attempt.lane !== null && failed && !staysInLane;
  const fail = async (queries: Queries) => {
    const stored = await queries.query(
      `UPDATE jobs SET claim = NULL, error = $3, failed = $4, due_time = now() + $5 * interval '1 ms',
         lane = CASE WHEN $6 THEN NULL ELSE lane END, version = version + $7::integer,
         ends = $8
       WHERE id = $1 AND claim = $2 RETURNING id`,
      [attempt.id, attempt.claim, error, failed, backoffMs, leaves, Number(anew), Number(ended)],
    );
    await succeed(queries, [attempt], stored);
    return stored.length > 0;
  };
  if (!leaves) return await fail(database);
  return await database.transaction(async (transaction) => {
    const isStored = await fail(transaction);
    await unblock(transaction, [attempt]);
    return isStored;
  });
}

/** A job as an operator sees it. */
export interface JobRow
  extends Omit<
    Attempt,
    'uid' | 'lane' | 'request' | 'version' | 'claim' | 'claims' | 'ends' | 'avoids' | 'traceparent'
  > {
  readonly running: boolean;
  readonly failed: boolean;
  readonly dueTime: Date;
  readonly error: string;
  readonly refusals: number;
  readonly progress: string;
}

const COLUMNS = `id, method, key, claim IS NOT NULL AND due_time > now() AS running, failed, due_time AS "dueTime",
  create_time AS "createTime", attempts, error, refusals, progress`;
const MAX_ROWS = 1_000;

/** The jobs of these methods: those that failed first, then those that are due. At most 1,000. */
export function listJobs({ query }: Queries, methods: readonly string[], options: QueryOptions): Promise<JobRow[]> {
  return query<JobRow>(
    `(SELECT ${COLUMNS} FROM jobs WHERE failed AND method = ANY($1) ORDER BY create_time LIMIT $2)
     UNION ALL
     (SELECT ${COLUMNS} FROM jobs WHERE id IN (
        SELECT due.id FROM unnest($1::text[]) AS listed (method) CROSS JOIN LATERAL (
          SELECT id FROM jobs WHERE jobs.method = listed.method AND NOT failed ORDER BY due_time LIMIT $2) AS due)
      ORDER BY due_time, id)
     LIMIT $2`,
    [methods, MAX_ROWS],
    options,
  );
}

const MAX_RETRIED = 100;

/** The jobs of these methods that are tried again: those that were refused first, then those that failed only. At most 100 of each, the oldest. */
export function listRetried({ query }: Queries, methods: readonly string[], options: QueryOptions): Promise<JobRow[]> {
  const oldest = (condition: string) =>
    `(SELECT ${COLUMNS} FROM jobs WHERE method = ANY($1) AND ${condition} AND NOT failed ORDER BY create_time LIMIT $2)`;
  return query<JobRow>(
    `${oldest('refusals > 0')} UNION ALL ${oldest("error <> '' AND refusals = 0")}`,
    [methods, MAX_RETRIED],
    options,
  );
}

/** Parts of a `WITH RECURSIVE`: the methods of which there are jobs, also if this version of the service lacks them. Those of events have a colon. */
export const LISTED = `stored AS (
    (SELECT method FROM jobs ORDER BY method LIMIT 1)
    UNION ALL SELECT (SELECT min(jobs.method) FROM jobs WHERE jobs.method > stored.method) FROM stored WHERE method IS NOT NULL
  ), listed AS (SELECT method FROM stored WHERE method LIKE '%/%')`;

export async function storedMethods({ query }: Queries, options: QueryOptions): Promise<readonly string[]> {
  const rows = await query<{ method: string }>(`WITH RECURSIVE ${LISTED} SELECT method FROM listed`, [], options);
  return rows.map(({ method }) => method);
}

/** How many jobs a method has, each up to 10,000. */
export interface JobCounts {
  readonly method: string;
  readonly waiting: bigint;
  readonly running: bigint;
  readonly failed: bigint;
}

const some = (condition: string) =>
  `(SELECT count(*) FROM (SELECT FROM jobs WHERE jobs.method = listed.method AND ${condition} LIMIT 10000) AS counted)`;

/** Counts the jobs of each of these methods. */
export function countJobs({ query }: Queries, methods: readonly string[], options: QueryOptions): Promise<JobCounts[]> {
  return query<JobCounts>(
    `SELECT listed.method, ${some('NOT failed AND (claim IS NULL OR due_time <= now())')} AS waiting,
       ${some('claim IS NOT NULL AND due_time > now()')} AS running, ${some('failed')} AS failed
     FROM unnest($1::text[]) AS listed (method)`,
    [methods],
    options,
  );
}

/** Makes a job due at once, as if it were new; undefined if it has ended. One that runs goes on. */
export function retryJob({ maybeOne }: Queries, id: bigint): Promise<JobRow | undefined> {
  return maybeOne<JobRow>(
    `UPDATE jobs SET failed = false, attempts = CASE WHEN claim IS NULL THEN 0 ELSE attempts END,
       due_time = CASE WHEN claim IS NULL THEN now() ELSE due_time END
     WHERE id = $1 RETURNING ${COLUMNS}`,
    [id],
  );
}

/** Removes a job; undefined if it has ended. */
export async function discardJob(transaction: Queries, id: bigint): Promise<JobRow | undefined> {
  const sql = `DELETE FROM jobs WHERE id = $1 RETURNING lane, ${COLUMNS}`;
  const row = await transaction.maybeOne<JobRow & { lane: string | null }>(sql, [id]);
  if (row === undefined) return undefined;
  const { lane, ...job } = row;
  await unblock(transaction, [{ method: job.method, lane }]);
  return job;
}

/** Stores what a handler tells of its progress. */
export async function setProgress({ query }: Queries, { id, claim }: Held, progress: string): Promise<void> {
  const sql = 'UPDATE jobs SET progress = $3 WHERE id = $1 AND claim = $2';
  await query(sql, [id, claim, storable(progress, MAX_TEXT.progress)]);
}
