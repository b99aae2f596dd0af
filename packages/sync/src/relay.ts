import type { Database } from '@rondo/database';
import { singleFlight, throttle } from './coalesce.js';
import type { OnSyncEvent, SyncClock } from './options.js';
import type { OutageLog } from './outage.js';

const BATCH = 1_000;
/** A run is a commit, whatever it moves; nobody feels that a change waits this long for company. */
const RUN_EVERY_MS = 20;

/** Moves what is committed from the outbox to the history. */
export interface Relay {
  /** Moves what is there; rejects when the database is away. Many calls at once are few runs. */
  flush(): Promise<void>;
  /**
   * The same, and nobody has to wait: a failure is logged, as the next sweep makes up for it. After a while without any,
   * it runs at once; under load many share a run.
   */
  nudge(): void;
  /** Runs now where it was nudged; resolves when nothing is under way. */
  close(): Promise<void>;
}

/** What a relay is made with. */
export interface RelayOptions {
  readonly database: Database;
  readonly clock: SyncClock;
  readonly onEvent: OnSyncEvent;
  readonly outage: OutageLog;
}

/** Makes the relay of one process; all those of a database take turns. */
export function createRelay({ database, clock, onEvent, outage }: RelayOptions): Relay {
  const flight = singleFlight(async () => {
    for (;;) {
      const { moved } = await database.one<{ moved: number }>('SELECT sync_relay($1) AS moved', [BATCH]);
      if (moved > 0) onEvent({ kind: 'relayed', changes: moved });
      if (moved < BATCH) return;
    }
  });
  const nudges = throttle(clock, RUN_EVERY_MS, () => void flight.run().then(outage.succeeded, outage.failed));
  return {
    flush: flight.run,
    nudge: nudges.request,
    close() {
      nudges.flush();
      return flight.idle();
    },
  };
}
