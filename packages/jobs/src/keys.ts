import type { Queries } from '@rondo/database';
import { ATTEMPT, type Attempt, type Claim, claimed, claimParams, type Wanted } from './attempt.js';

/** How many jobs become ready at once. */
const BATCH = 500;

/** Also those of versions that know no keys: they share the empty one. */
const READY = `
  UPDATE jobs SET ready = true, lane = coalesce(lane, '') WHERE id = ANY(ARRAY(
    SELECT id FROM jobs WHERE method = $1 AND NOT ready AND NOT failed AND ends = 0 AND due_time <= now()
      AND (claim IS NULL OR next_time IS NULL OR next_time <= now())
    ORDER BY due_time LIMIT ${BATCH} FOR UPDATE SKIP LOCKED))`;

/**
 * Goes from key to key by the index of what is ready, and takes of each as many as may run. So it passes at most as many keys in vain as
 * there are jobs that run. A suspect that is due keeps its place.
 */
const CLAIM = `
  WITH RECURSIVE taken AS MATERIALIZED (
    SELECT lane, count(*) AS jobs FROM (
      SELECT lane FROM jobs WHERE method = $1 AND claim IS NOT NULL AND due_time > now()
      UNION ALL SELECT lane FROM jobs WHERE method = $1 AND ends > 0 AND NOT failed AND due_time <= now()) AS running
    GROUP BY lane
  ), keys AS (
    SELECT $5::text COLLATE "C" AS lane, NULL::boolean AS wrapped
    UNION ALL
    SELECT coalesce(next.lane, first.lane), wrapped IS TRUE OR next.lane IS NULL
    FROM keys LEFT JOIN LATERAL (
        SELECT lane FROM jobs WHERE method = $1 AND jobs.lane > keys.lane AND ready AND NOT failed ORDER BY lane LIMIT 1) AS next ON true
      LEFT JOIN LATERAL (
        SELECT lane FROM jobs WHERE next.lane IS NULL AND wrapped IS NOT TRUE AND method = $1 AND ready AND NOT failed
        ORDER BY lane LIMIT 1) AS first ON true
    WHERE keys.lane IS NOT NULL AND (wrapped IS NOT TRUE OR keys.lane < $5)
  )
  UPDATE jobs SET ${claimed({ claim: '$6', leaseMs: '$7', here: '$8', instance: '$9' })}, ready = false WHERE id = ANY(ARRAY(
    SELECT waiting.id FROM keys LEFT JOIN taken USING (lane) CROSS JOIN LATERAL (
      SELECT id FROM jobs AS waiting
      WHERE waiting.method = $1 AND waiting.lane = keys.lane AND ready AND NOT failed AND ends = 0 AND due_time <= now()
      ORDER BY due_time LIMIT greatest(0, $4 - coalesce(taken.jobs, 0)) FOR UPDATE SKIP LOCKED) AS waiting
    WHERE wrapped IS NOT NULL LIMIT greatest(0, least($2, $3 - (SELECT coalesce(sum(jobs), 0) FROM taken)))))
  RETURNING ${ATTEMPT.outer}`;

/** Takes jobs of a method with a bound for each key, which one process at a time counts. */
export async function claimByKey(
  { query }: Queries,
  { method, most, maxRunning, perKey }: Wanted,
  claim: Claim,
): Promise<readonly Attempt[]> {
  await query(READY, [method], { name: 'rondo_job_ready' });
  const params = [method, most, maxRunning, perKey?.running ?? null, perKey?.after ?? '', ...claimParams(claim)];
  return await query<Attempt>(CLAIM, params, { name: 'rondo_job_claim_key' });
}
