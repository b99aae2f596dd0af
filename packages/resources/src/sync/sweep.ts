import type { Database } from '@rondo/database';
import type { Clock, Random } from '@rondo/rpc/clock';
import { singleFlight } from './coalesce.js';
import type { Feed } from './feed/feed.js';
import type { Bounds } from './options.js';
import type { OutageLog } from './outage.js';
import type { Relay } from './relay.js';

/** Number of sweeps between checks of the listening connection. */
const SWEEPS_PER_CHECK = 10;

/** What a sweep works on. */
interface SweepOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly bounds: Bounds;
  readonly relay: Relay;
  readonly feed: Feed;
  /** Logs failures of trims. */
  readonly outage: OutageLog;
  readonly checkListener: () => void;
}

/**
 * Repairs losses at intervals: a missing nudge of a killed process or a prepared transaction, a lost notification, a
 * broken connection. It also trims the history.
 */
export function startSweep(options: SweepOptions): { close(): Promise<void> } {
  const { database, clock, random, bounds, relay, feed, outage, checkListener } = options;
  const trimming = singleFlight(() => trim(database, bounds));
  let trimAt = clock.now() + bounds.trimMs;
  let sweeps = 0;

  const sweep = (): void => {
    timer = next();
    sweeps += 1;
    relay.nudge();
    feed.wake(undefined);
    feed.checkOutage();
    if (sweeps % SWEEPS_PER_CHECK === 0) checkListener();
    if (clock.now() < trimAt) return;
    trimAt = clock.now() + bounds.trimMs;
    trimming.run().then(outage.succeeded, outage.failed);
  };
  // Random, so that the replicas don't sweep at the same time.
  const next = () => clock.setTimer(bounds.sweepMs * (0.75 + random.next() / 2), sweep);
  let timer = next();

  return {
    close() {
      timer.cancel();
      return trimming.idle();
    },
  };
}

const BATCH = 5_000;

/**
 * Reads only the oldest rows, so that its cost doesn't depend on the size of the history: relay times follow positions.
 * The age of a row counts from the relay of the next row: until then it was the newest, at which watchers stand. The
 * newest row is kept for ever, because the next position follows from it.
 */
const TRIM = `
  WITH head AS (SELECT max(position) AS position FROM sync_changes),
    oldest AS (
      SELECT position, clock_timestamp() - lead(relay_time) OVER (ORDER BY position) AS age
      FROM sync_changes ORDER BY position LIMIT $1
    )
  DELETE FROM sync_changes USING oldest, head
  WHERE sync_changes.position = oldest.position AND oldest.age >= $4 * interval '1 millisecond'
    AND (oldest.position <= head.position - $2 OR oldest.age > $3 * interval '1 millisecond')
  RETURNING 1`;

/** Removes changes that are too old or too many from the history. */
async function trim(database: Database, { historyMs, historyRows, minHistoryMs }: Bounds): Promise<void> {
  for (;;) {
    const rows = await database.query(TRIM, [BATCH, historyRows, historyMs, minHistoryMs]);
    if (rows.length < BATCH) return;
  }
}
