import type { Meter } from '@opentelemetry/api';
import { type Database, observeRow } from '@rondo/database';
import type { JobMeter } from '@rondo/jobs/internal';

const ROW = `
  SELECT coalesce(extract(epoch FROM now() - least(min(oldest.create_time), $1::timestamptz,
      (SELECT min(create_time) FROM topic_relays CROSS JOIN LATERAL (
        SELECT create_time FROM topic_events WHERE waits AND topic_events.topic = topic_relays.topic ORDER BY place LIMIT 1) AS unsent))), 0)::float8 AS lag,
    coalesce(sum(oldest.failed), 0)::integer AS failed, (SELECT coalesce(sum(cut), 0) FROM topic_groups)::float8 AS cut
  FROM topic_groups CROSS JOIN LATERAL (
    SELECT
      (SELECT min(create_time) FROM (
        SELECT create_time FROM jobs WHERE jobs.method = name AND NOT failed ORDER BY due_time LIMIT 100) AS waiting) AS create_time,
      (SELECT count(*) FROM (SELECT FROM jobs WHERE jobs.method = name AND failed LIMIT 10000) AS dead) AS failed
  ) AS oldest`;

/** Meters the topics of a service; without a meter nothing is measured. `oldest` is the time of what a broker has given and no group has taken. */
export function meterTopics(
  meter: Meter | undefined,
  { query }: Pick<Database, 'query'>,
  oldest: () => Date | undefined,
): JobMeter {
  if (meter === undefined) return { ended: () => undefined };
  const attempts = meter.createCounter('rondo.topics.attempts', {
    unit: '{attempt}',
    description: 'The attempts at deliveries that have ended, by group and status.',
  });
  const lag = meter.createObservableGauge('rondo.topics.lag', {
    unit: 's',
    description: 'The age of the oldest event that a group of the service has not taken; 0 if there is none.',
  });
  const failed = meter.createObservableGauge('rondo.topics.failed', {
    unit: '{event}',
    description: 'The events that wait for an operator, up to 10,000 a group.',
  });
  const cut = meter.createObservableGauge('rondo.topics.cut', {
    unit: '{event}',
    description: 'The events that the end of the retention took from groups.',
  });
  const database: Pick<Database, 'query'> = { query: (sql, _, read) => query(sql, [oldest() ?? null], read) };
  observeRow(meter, { database, sql: ROW, gauges: { lag, failed, cut } });
  return {
    ended: (group, outcome) => attempts.add(1, { 'rondo.group': group, 'rpc.response.status_code': outcome }),
  };
}
