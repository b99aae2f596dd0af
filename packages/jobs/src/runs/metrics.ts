import type { Meter } from '@opentelemetry/api';
import { type Database, observeRow } from '@rondo/database';
import type { JobMeter } from '../metrics.js';
import { PARKED } from '../owners.js';

const ROW = `
  SELECT (SELECT count(*) FROM (SELECT FROM workflow_runs WHERE state = 'blocked' AND method = ANY($1) LIMIT 10000) AS counted)::integer AS blocked,
    (SELECT count(*) FROM (SELECT FROM jobs WHERE unfit IS NOT NULL AND method = ANY($2) AND ${PARKED} LIMIT 10000) AS counted)::integer AS parked,
    coalesce(max(extract(epoch FROM now() - oldest.due_time)), 0)::float8 AS lag
  FROM unnest($2::text[]) AS listed (method) LEFT JOIN LATERAL (
    SELECT due_time FROM jobs WHERE jobs.method = listed.method AND due_time <= now() AND claim IS NULL AND unfit IS NULL ORDER BY due_time LIMIT 1) AS oldest ON true`;

interface MeteredRuns {
  readonly database: Pick<Database, 'query'>;
  readonly methods: readonly string[];
  readonly tasks: readonly string[];
}

/** Meters the runs of a service; without a meter nothing is measured. */
export function meterRuns(meter: Meter | undefined, { database, methods, tasks }: MeteredRuns): JobMeter {
  if (meter === undefined || methods.length === 0) return { ended: () => undefined };
  const attempts = meter.createCounter('rondo.runs.attempts', {
    unit: '{attempt}',
    description:
      'The executions of runs that have ended, by workflow and by what the run does next: sleep, finish, fail, retry, park or block.',
  });
  const lag = meter.createObservableGauge('rondo.runs.lag', {
    unit: 's',
    description: 'For how long the oldest run of the service is due, without a process that has it; 0 if none is.',
  });
  const blocked = meter.createObservableGauge('rondo.runs.blocked', {
    unit: '{run}',
    description: 'The runs that wait for an operator, up to 10,000.',
  });
  const parked = meter.createObservableGauge('rondo.runs.parked', {
    unit: '{run}',
    description: 'The runs whose records no function of a living process fits, up to 10,000.',
  });
  observeRow(meter, { database, sql: ROW, params: [methods, tasks], gauges: { lag, blocked, parked } });
  return { ended: (method, next) => attempts.add(1, { 'rpc.method': method, 'rondo.run.next': next }) };
}
