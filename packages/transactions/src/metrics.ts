import type { Meter } from '@opentelemetry/api';
import { type Database, observeRow } from '@rondo/database';

/** What {@link meterUnfinished} meters. */
export interface Unfinished {
  /** Without a meter nothing is measured. */
  readonly meter: Meter | undefined;
  readonly database: Pick<Database, 'query'>;
  readonly role: 'coordinator' | 'participant';
  readonly name: string;
}

/** By role: how many transactions aren't finished, and the age of the oldest in seconds. */
const STATEMENTS = {
  coordinator: `SELECT count(*)::integer AS count, coalesce(extract(epoch FROM now() - min(create_time)), 0)::float8 AS age
    FROM transaction_log WHERE state NOT IN ('committed', 'aborted') AND coordinator = $1`,
  participant: `SELECT count(*)::integer AS count, coalesce(extract(epoch FROM now() - min(prepared)), 0)::float8 AS age
    FROM pg_prepared_xacts WHERE database = current_database() AND starts_with(gid, 'rondo:') AND split_part(gid, ':', 4) = $1`,
} as const;

/** Meters the transactions that a coordinator has not finished, or the branches that a participant has prepared. */
export function meterUnfinished({ meter, database, role, name }: Unfinished): void {
  if (meter === undefined) return;
  const count = meter.createObservableGauge('rondo.transactions.unfinished', {
    unit: '{transaction}',
    description:
      'The transactions that a coordinator has not finished, or the branches that a participant has prepared, by role and name.',
  });
  const age = meter.createObservableGauge('rondo.transactions.unfinished.age', {
    unit: 's',
    description: 'The age of the oldest of these; 0 if there are none. Set an alert on a minute.',
  });
  const labels = { 'rondo.role': role, 'rondo.name': name };
  observeRow(meter, { database, sql: STATEMENTS[role], params: [name], labels, gauges: { count, age } });
}
