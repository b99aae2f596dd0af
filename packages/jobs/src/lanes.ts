import type { Queries, QueryOptions } from '@rondo/database';
import { ATTEMPT, type Attempt, type Claim, type Claimed, claimed, claimParams } from './attempt.js';

/** When a job is due that waits for others of its lane. */
const BLOCKED = "'9999-01-01'::timestamptz";
/** How many jobs are looked at for each that is wanted. */
const LOOKED_AT = 20;

/**
 * The first job of each lane is claimed, unless a later one runs: one that failed comes back into its lane by a replay. Another is blocked, so
 * that it isn't looked at until one before it ends: that one is locked, as its end unblocks the next. Arrays of ids are as in `claimJobs`.
 */
const CLAIM = `
  WITH due AS MATERIALIZED (
    SELECT picked.id, picked.method, picked.lane, picked.due_time, wanted.most, NOT EXISTS (
      SELECT FROM jobs AS earlier
      WHERE earlier.method = picked.method AND earlier.lane = picked.lane AND earlier.id < picked.id)
      AND ((picked.method, picked.lane) IN (
        SELECT method, lane FROM jobs WHERE claim IS NOT NULL AND due_time > now() AND lane IS NOT NULL)) IS NOT TRUE AS first
    FROM unnest((SELECT $1::text[]), (SELECT $2::integer[])) AS wanted (method, most)
    CROSS JOIN LATERAL (
      SELECT id, jobs.method, lane, due_time FROM jobs
      WHERE jobs.method = wanted.method AND NOT failed AND ends = 0 AND due_time <= now()
      ORDER BY due_time, id LIMIT wanted.most * ${LOOKED_AT} FOR UPDATE SKIP LOCKED
    ) AS picked
  ), blocked AS (
    UPDATE jobs SET due_time = ${BLOCKED} WHERE id = ANY(ARRAY(
      SELECT due.id FROM due CROSS JOIN LATERAL (
        SELECT FROM jobs AS earlier
        WHERE earlier.method = due.method AND earlier.lane = due.lane AND earlier.id < due.id
        ORDER BY earlier.id LIMIT 1 FOR SHARE SKIP LOCKED) AS earlier
      WHERE NOT due.first))
    RETURNING id
  ), claimed AS (
    UPDATE jobs SET ${claimed({ claim: '$3', leaseMs: '$4', here: '$5', instance: '$6' })}
    WHERE id = ANY(ARRAY(
      SELECT id FROM (
        SELECT id, most, row_number() OVER (PARTITION BY method ORDER BY due_time, id) AS place FROM due WHERE first) AS heads
      WHERE place <= most))
    RETURNING ${ATTEMPT.inner}
  )
  SELECT ${ATTEMPT.outer}, counted.blocked
  FROM (SELECT count(*) AS blocked FROM blocked) AS counted LEFT JOIN claimed ON true`;

type Row = { readonly blocked: bigint } & (Attempt | { readonly id: null });

/** As `claimJobs`, of each lane the first. */
export async function claimHeads({ query }: Queries, claim: Claim, options: QueryOptions): Promise<Claimed> {
  const { wanted } = claim;
  const params = [wanted.map(({ method }) => method), wanted.map(({ most }) => most), ...claimParams(claim)];
  const rows = await query<Row>(CLAIM, params, { ...options, name: 'rondo_lane_claim' });
  const attempts = rows.flatMap((row) => (row.id === null ? [] : [row]));
  return { attempts, more: attempts.length > 0 || rows.some(({ blocked }) => blocked > 0n) };
}

/** Lets the first job of each lane begin, after one of it has ended. In a statement after that which ended it, which sees what was blocked before. */
export async function unblock(
  { query }: Queries,
  lanes: readonly { readonly method: string; readonly lane: string | null }[],
): Promise<void> {
  await query(
    `UPDATE jobs SET due_time = now() FROM (
       SELECT DISTINCT method, lane FROM unnest((SELECT $1::text[]), (SELECT $2::text[])) AS listed (method, lane)) AS ended
     WHERE jobs.due_time = ${BLOCKED} AND jobs.id = (
       SELECT id FROM jobs AS next WHERE next.method = ended.method AND next.lane = ended.lane ORDER BY id LIMIT 1)`,
    [lanes.map(({ method }) => method), lanes.map(({ lane }) => lane)],
    { name: 'rondo_lane_unblock' },
  );
}
