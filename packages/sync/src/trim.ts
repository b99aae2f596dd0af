import type { Database } from '@rondo/database';
import type { Bounds } from './bounds.js';

const BATCH = 5_000;

/**
 * Looks at the oldest rows only, which costs the same however many there are: times follow positions. The newest row
 * stays for ever; the next position follows from it.
 */
const TRIM = `
  WITH head AS (SELECT max(position) AS position FROM sync_changes),
    oldest AS (SELECT position, relay_time FROM sync_changes ORDER BY position LIMIT $1)
  DELETE FROM sync_changes USING oldest, head
  WHERE sync_changes.position = oldest.position AND oldest.position < head.position
    AND (oldest.position <= head.position - $2 OR oldest.relay_time < clock_timestamp() - $3 * interval '1 millisecond')
  RETURNING 1`;

/** Removes what is too old from the history, or too much; resolves to how many changes. */
export async function trim(database: Database, { historyMs, historyRows }: Bounds): Promise<number> {
  let removed = 0;
  for (;;) {
    const rows = await database.query(TRIM, [BATCH, historyRows, historyMs]);
    removed += rows.length;
    if (rows.length < BATCH) return removed;
  }
}
