import { Overlap } from '@rondo/contracts/rondo/options/v1/options';
import type { Database, Queries, QueryOptions } from '@rondo/database';
import type { JobMethod } from './contract.js';
import { Occurrences } from './occurrences.js';
import { insertJob, type JobRow, retryJob } from './store.js';

type Scheduled = JobMethod & { readonly occurrences: Occurrences };

export const isScheduled = (job: JobMethod): job is Scheduled => job.occurrences !== undefined;

/** A schedule in the database. */
export interface ScheduleRow {
  readonly method: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly nextTime: Date;
  readonly skipped: bigint;
  readonly overlapTime: Date | undefined;
}

/** The database's clock, which is one for all replicas. */
const clockOf = async ({ one }: Queries): Promise<Date> =>
  (await one<{ now: Date }>('SELECT clock_timestamp() AS now')).now;

/** Begins schedules that are new, or that have changed. */
export async function beginSchedules(database: Database, jobs: readonly Scheduled[]): Promise<void> {
  if (jobs.length === 0) return;
  const now = await clockOf(database);
  for (const { name, occurrences } of jobs) {
    await database.query(
      `INSERT INTO job_schedules AS stored (method, cron, time_zone, next_time) VALUES ($1, $2, $3, $4)
       ON CONFLICT (method) DO UPDATE SET cron = EXCLUDED.cron, time_zone = EXCLUDED.time_zone, next_time = EXCLUDED.next_time
       WHERE (stored.cron, stored.time_zone) <> (EXCLUDED.cron, EXCLUDED.time_zone)`,
      [name, occurrences.cron, occurrences.timeZone, occurrences.after(now)],
    );
  }
}

const { OVERLAP_QUEUE, OVERLAP_REPLACE } = Overlap;

/** A scheduled job has an empty request. One that has begun, or was refused, may wait for its next attempt. */
const IS_BUSY = `
  SELECT FROM jobs WHERE method = $1 AND request = '' AND NOT failed AND (attempts > 0 OR refusals > 0 OR due_time <= now()) LIMIT 1`;
/** The key of jobs that replace each other. */
const LATEST = 'latest';

/**
 * Stores a job for each schedule whose time has come: one for the latest time, as those before it are skipped. The row's lock lets
 * one replica do it, and the key of the job holds its time. Resolves to whether there was one.
 */
export async function fire(
  database: Database,
  jobs: readonly Scheduled[],
  { onFault, ...options }: QueryOptions & { readonly onFault: (method: string, fault: string) => void },
): Promise<boolean> {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  const due = 'SELECT FROM job_schedules WHERE method = ANY($1) AND next_time <= clock_timestamp()';
  if ((await database.query(due, [[...byName.keys()]], options)).length === 0) return false;
  await database.transaction(async (transaction) => {
    const rows = await transaction.query<Omit<ScheduleRow, 'skipped' | 'overlapTime'> & { now: Date }>(
      `SELECT method, cron, time_zone AS "timeZone", next_time AS "nextTime", clock_timestamp() AS now FROM job_schedules
       WHERE method = ANY($1) AND next_time <= clock_timestamp() ORDER BY method FOR UPDATE SKIP LOCKED`,
      [[...byName.keys()]],
    );
    for (const { method, nextTime, now, ...schedule } of rows) {
      const job = byName.get(method);
      if (job === undefined) continue;
      // Replicas of two versions have one schedule: that of the replica that started last.
      const occurrences = new Occurrences(schedule);
      if (occurrences.fault !== undefined) {
        onFault(method, occurrences.fault);
        continue;
      }
      const { latest, count, next } = occurrences.missed(nextTime, now);
      const stores = job.overlap === OVERLAP_QUEUE || job.overlap === OVERLAP_REPLACE;
      const skips = !stores && (await transaction.query(IS_BUSY, [method])).length > 0;
      const request = job.method.requestType.encode(job.method.requestType.fromPartial({})).finish();
      const key = job.overlap === OVERLAP_REPLACE ? LATEST : latest.toISOString();
      if (!skips) await insertJob(transaction, { method, key, request, at: undefined, traceparent: '' });
      await transaction.query(
        `UPDATE job_schedules SET next_time = $2, skipped = skipped + $3,
           overlap_time = CASE WHEN $4 THEN coalesce(overlap_time, $5) END WHERE method = $1`,
        [method, next, count - Number(!skips), skips, latest],
      );
    }
  }, options);
  return true;
}

/** The key of a schedule's job that an operator has asked for. */
const NOW = 'now';

/** Stores a job of a schedule that is due at once. One that was asked for before and hasn't ended is tried again, or goes on. */
export async function runNow(
  transaction: Queries,
  { name: method, method: { requestType } }: Scheduled,
): Promise<JobRow> {
  const find = () =>
    transaction.maybeOne<JobRow>('SELECT id FROM jobs WHERE method = $1 AND key = $2 FOR UPDATE', [method, NOW]);
  if ((await find()) === undefined) {
    const request = requestType.encode(requestType.fromPartial({})).finish();
    await insertJob(transaction, { method, key: NOW, request, at: undefined, traceparent: '' });
  }
  const found = await find();
  const row = found && (await retryJob(transaction, found.id));
  if (row === undefined) throw new Error(`the job of ${method} that was just stored is gone`);
  return row;
}

/** The schedules of these methods. */
export function listSchedules(
  { query }: Queries,
  methods: readonly string[],
  options: QueryOptions,
): Promise<ScheduleRow[]> {
  return query<ScheduleRow>(
    `SELECT method, cron, time_zone AS "timeZone", next_time AS "nextTime", skipped, overlap_time AS "overlapTime"
     FROM job_schedules WHERE method = ANY($1)`,
    [methods],
    options,
  );
}
