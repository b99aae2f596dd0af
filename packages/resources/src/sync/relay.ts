import { tracingChannel } from 'node:diagnostics_channel';
import type { Database } from '@rondo/database';
import type { Clock } from '@rondo/rpc/clock';
import { singleFlight, throttle } from './coalesce.js';
import type { OutageLog } from './outage.js';

const BATCH = 1_000;
/** Each run is a commit, so runs are spaced to batch changes. A delay this short isn't noticed. */
const RUN_EVERY_MS = 20;

/** Tells of each run, with the number of changes that it has moved: `@rondo/rpc/tracing` makes spans of them. */
const runs = tracingChannel<unknown, object>('rondo.sync.relay');

/** Moves committed changes from the outbox to the history. */
export interface Relay {
  /** Moves all current changes; rejects if the database is unavailable. Concurrent calls share runs. */
  flush(): Promise<void>;
  /**
   * Like `flush`, without waiting. A failure is logged, because the next sweep repeats the run. At rest it runs at
   * once; under load many nudges share a run.
   */
  nudge(): void;
  /** Runs a pending nudge now; resolves when no run is in progress. */
  close(): Promise<void>;
}

export interface RelayOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly outage: OutageLog;
}

/** Creates the relay of one process. A lock serializes the relays of all processes. */
export function createRelay({ database, clock, outage }: RelayOptions): Relay {
  const moveAll = async (): Promise<number> => {
    for (let all = 0; ; ) {
      const sql = 'SELECT sync_relay($1) AS moved';
      const { moved } = await database.one<{ moved: number }>(sql, [BATCH], { name: 'rondo_sync_relay' });
      all += moved;
      if (moved < BATCH) return all;
    }
  };
  const flight = singleFlight(async () => void (await runs.tracePromise(moveAll, {})));
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
