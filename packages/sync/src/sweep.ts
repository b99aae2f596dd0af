import type { Database } from '@rondo/database';
import type { Bounds } from './bounds.js';
import type { SyncClock } from './clock.js';
import type { OnSyncEvent } from './events.js';
import type { Feed } from './feed/feed.js';
import type { OutageLog } from './outage.js';
import type { Relay } from './relay.js';
import { singleFlight } from './single-flight.js';
import { trim } from './trim.js';

/** Every so many sweeps the listening connection is asked whether it still hears. */
const SWEEPS_A_CHECK = 10;

/** What a sweep looks after. */
export interface SweepOptions {
  readonly database: Database;
  readonly clock: SyncClock;
  readonly random: () => number;
  readonly bounds: Bounds;
  readonly relay: Relay;
  readonly feed: Feed;
  readonly onEvent: OnSyncEvent;
  /** For trims. */
  readonly outage: OutageLog;
  readonly checkListener: () => void;
}

/**
 * Makes up, every now and then, for what got lost: the nudge of a killed process or of a prepared transaction, a
 * notification, a connection. And trims the history.
 */
export function startSweep(options: SweepOptions): { close(): Promise<void> } {
  const { database, clock, random, bounds, relay, feed, onEvent, outage, checkListener } = options;
  const trimming = singleFlight(async () => {
    const changes = await trim(database, bounds);
    if (changes > 0) onEvent({ kind: 'trimmed', changes });
  });
  let trimAt = clock.now() + bounds.trimMs;
  let sweeps = 0;

  const sweep = (): void => {
    timer = next();
    sweeps += 1;
    relay.nudge();
    feed.wake(undefined);
    feed.checkOutage();
    if (sweeps % SWEEPS_A_CHECK === 0) checkListener();
    if (clock.now() < trimAt) return;
    trimAt = clock.now() + bounds.trimMs;
    trimming.run().then(outage.succeeded, outage.failed);
  };
  // Spread, so that the replicas don't come all at once.
  const next = () => clock.setTimer(bounds.sweepMs * (0.75 + random() / 2), sweep);
  let timer = next();

  return {
    close() {
      timer.cancel();
      return trimming.idle();
    },
  };
}
