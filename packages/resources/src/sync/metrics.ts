import type { Meter } from '@opentelemetry/api';
import { type Database, observeRow } from '@rondo/database';

/** How old the oldest change is that no relay has moved: it reads one row, however many wait. */
const LAG = `SELECT coalesce(extract(epoch FROM clock_timestamp() -
  (SELECT create_time FROM sync_outbox ORDER BY id LIMIT 1)), 0)::float8 AS lag`;

/** Meters the changes that wait for a relay, and the open watches of this process. */
export function meterSync(meter: Meter, database: Pick<Database, 'query'>, watches: () => number): void {
  const lag = meter.createObservableGauge('rondo.sync.outbox.lag', {
    unit: 's',
    description:
      'The age of the oldest committed change that no watcher can see yet; 0 if there is none. Set an alert if it stays above some seconds.',
  });
  observeRow(meter, { database, sql: LAG, gauges: { lag } });
  const open = meter.createObservableGauge('rondo.sync.watches', {
    unit: '{watch}',
    description: 'The open watches of this process.',
  });
  open.addCallback((result) => result.observe(watches()));
}
