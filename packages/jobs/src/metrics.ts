import type { Meter } from '@opentelemetry/api';
import { type Database, observeRow } from '@rondo/database';
import { LISTED } from './store.js';

/** Counts the attempts at jobs. */
export interface JobMeter {
  /** @param outcome the name of the call's status. */
  ended(method: string, outcome: string): void;
}

const ROW = `
  WITH RECURSIVE ${LISTED}
  SELECT coalesce(max(extract(epoch FROM now() - oldest.due_time)), 0)::float8 AS lag,
    (SELECT count(*) FROM (SELECT FROM jobs WHERE failed AND method LIKE '%/%' LIMIT 10000) AS counted)::integer AS failed,
    (SELECT coalesce(sum(skipped), 0) FROM job_schedules)::integer AS skipped
  FROM listed CROSS JOIN LATERAL (
    SELECT due_time FROM jobs WHERE jobs.method = listed.method AND NOT failed AND due_time <= now()
      AND (claim IS NULL OR next_time IS NULL OR next_time <= now())
    ORDER BY due_time LIMIT 1) AS oldest`;

/** Meters the jobs of a service; without a meter nothing is measured. */
export function meterJobs(meter: Meter | undefined, database: Pick<Database, 'query'>): JobMeter {
  if (meter === undefined) return { ended: () => undefined };
  const attempts = meter.createCounter('rondo.jobs.attempts', {
    unit: '{attempt}',
    description: 'The attempts at jobs that have ended, by method and status.',
  });
  const lag = meter.createObservableGauge('rondo.jobs.lag', {
    unit: 's',
    description: 'For how long the oldest job of the service is due, without one that runs; 0 if none is.',
  });
  const failed = meter.createObservableGauge('rondo.jobs.failed', {
    unit: '{job}',
    description: 'The jobs that wait for an operator, up to 10,000.',
  });
  const skipped = meter.createObservableGauge('rondo.jobs.schedule.skipped', {
    unit: '{time}',
    description:
      'The times of schedules that were not made up for: they passed while no replica ran, or while an earlier job had not ended.',
  });
  observeRow(meter, { database, sql: ROW, gauges: { lag, failed, skipped } });
  return {
    ended: (method, outcome) => attempts.add(1, { 'rpc.method': method, 'rpc.response.status_code': outcome }),
  };
}
