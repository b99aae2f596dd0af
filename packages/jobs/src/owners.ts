import type { Queries, QueryOptions } from '@rondo/database';
import { LEASE_MS, RUNS_HERE } from './attempt.js';
import { type Held, heldOf } from './store.js';

/**
 * How often a worker stores a heartbeat, how old its last one is when it counts as ended, and how often it stores one while no worker has a
 * job. The event loop of a worker that has jobs may thus stand still for 4 s.
 */
export const HEARTBEAT_MS = { every: 1_000, dead: 5_000, atRest: 3_000 };

const ms = (duration: number) => `${duration} * interval '1 ms'`;
const DEAD = `now() - ${ms(HEARTBEAT_MS.dead)}`;

/**
 * Only a worker that has stored heartbeats for a while without a gap declares others ended: after an outage of the database all heartbeats are
 * old at first. An attempt whose worker has ended counts, and if it ran in that process, the process has ended during the call. A worker also frees what it has claimed without knowing
 * it, and what it couldn't settle, as the database was away. Claims of other versions don't begin with `2.w`. A locked row waits for the next
 * heartbeat.
 */
const BEAT = `
  WITH own AS (
    INSERT INTO job_owners AS stored (id, since, heartbeat, methods) VALUES ($1, now(), now(), $4)
    ON CONFLICT (id) DO UPDATE SET heartbeat = now(), methods = EXCLUDED.methods, since = CASE WHEN stored.heartbeat > ${DEAD} THEN stored.since ELSE now() END
    RETURNING since < ${DEAD} AS sees
  ), gone AS (
    DELETE FROM job_owners USING own WHERE sees AND heartbeat < now() - interval '1 min'
  ), lost AS (
    SELECT jobs.id, owner <> $1 AS ended FROM own, jobs, substr(split_part(claim, '-', 1), 3) AS owner
    WHERE claim LIKE '2.w%' AND CASE WHEN owner = $1
      THEN due_time < now() + ${ms(LEASE_MS - HEARTBEAT_MS.dead)}
        AND (jobs.id, rtrim(claim, '+')) NOT IN (SELECT held.id, held.claim FROM unnest($2::bigint[], $3::text[]) AS held (id, claim))
      ELSE sees AND NOT EXISTS (SELECT FROM job_owners AS living WHERE living.id = owner AND living.heartbeat >= ${DEAD}) END
    FOR UPDATE OF jobs SKIP LOCKED
  ), freed AS (
    UPDATE jobs SET claim = NULL, due_time = coalesce(next_time, now()), next_time = NULL,
      ends = ends + (ended AND next_time IS NULL AND ${RUNS_HERE})::integer,
      error = CASE WHEN ended AND next_time IS NULL THEN 'the process that made the call has ended' ELSE error END
    FROM lost WHERE jobs.id = lost.id RETURNING jobs.id
  ), quarantined AS (
    UPDATE job_quarantine SET until = now() + ${ms(HEARTBEAT_MS.dead)} WHERE owner = $1
  )
  SELECT EXISTS (SELECT FROM freed) OR EXISTS (SELECT FROM jobs WHERE ends > 0 AND NOT failed AND due_time <= now()) AS suspects,
    EXISTS (SELECT FROM jobs WHERE claim IS NOT NULL) AS "isBusy",
    (SELECT (extract(epoch FROM min(due_time) - now()) * 1000)::float8 FROM (
      SELECT min(due_time) AS due_time FROM unnest($4::text[]) AS listed (method) CROSS JOIN LATERAL (
        SELECT due_time FROM jobs WHERE jobs.method = listed.method AND NOT failed AND ($1 = ANY(unfit)) IS NOT TRUE ORDER BY due_time LIMIT 1) AS first
      UNION ALL SELECT min(next_time) FROM job_schedules WHERE method = ANY($4)) AS due) AS "nextMs"`;

/** Whether no living worker's function fits the run of a row of `jobs`. */
export const PARKED = `(claim IS NULL AND unfit IS NOT NULL AND NOT EXISTS (SELECT FROM job_owners AS living
    WHERE heartbeat >= ${DEAD} AND coalesce(jobs.method = ANY(methods), true) AND living.id <> ALL(unfit)))`;

/** A worker, and the attempts that it knows of. Its id begins with a `w`. */
interface Owner {
  readonly id: string;
  readonly held: readonly Held[];
  /** Of which it makes calls. */
  readonly methods?: readonly string[];
}

/** What a worker sees with its heartbeat. */
interface Seen {
  /** Whether suspects are due, of any method. */
  readonly suspects: boolean;
  /** Whether some worker has a job. */
  readonly isBusy: boolean;
  /** When the next job or schedule of its methods is due, from now on; negative if one is due already, null if there is none. */
  readonly nextMs: number | null;
}

/** Stores a worker's heartbeat, and frees the jobs of workers that have ended. */
export async function beat(
  { one }: Queries,
  { id, held, methods = [] }: Owner,
  options: QueryOptions = {},
): Promise<Seen> {
  return await one<Seen>(BEAT, [id, ...heldOf(held), methods], { ...options, name: 'rondo_job_look' });
}
