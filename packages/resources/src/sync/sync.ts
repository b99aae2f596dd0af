import type { Meter } from '@opentelemetry/api';
import { type Database, eventLoopPace, FairSemaphore, keepListening } from '@rondo/database';
import { type Clock, type Random, systemClock, systemRandom } from '@rondo/rpc/clock';
import { watchErrors } from './errors.js';
import { createFeed, type Feed } from './feed/feed.js';
import { meterSync } from './metrics.js';
import { BOUNDS, type Bounds, type SyncLog } from './options.js';
import { outageLog } from './outage.js';
import { createRelay } from './relay.js';
import { CHANNEL } from './schema.js';
import { startSweep } from './sweep.js';
import { endStalledReads } from './watch/stalled-reads.js';
import { type WatchContext, type WatchEvent, type WatchOptions, watch } from './watch/watch.js';

/** Options of the sync of one process. */
export interface SyncOptions extends Partial<Bounds> {
  /** The service's own database; its schema has {@link syncSchema}. */
  readonly database: Database;
  /** The address of the same database, for one more connection that listens for changes. */
  readonly url: string;
  readonly log: SyncLog;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Measures the lag of the outbox: the meter of a service's context. */
  readonly meter?: Meter | undefined;
}

/** Publishes the changes of every replica to the watchers of every replica. */
export interface Sync {
  /**
   * Publishes appended changes now. Call it after their commit. It never waits and never fails: the sweep repeats a
   * failed run.
   */
  nudge(): void;
  /**
   * Watches a topic. The watch starts with a snapshot and then yields every change once, in order. With a resume token
   * it yields the changes after the token instead. A token is valid at every replica and after a restart. If its
   * position is gone (the history was trimmed, or the database restored from a backup), the watch starts with a new
   * snapshot.
   *
   * It ends only with an error: the signal's reason, or one of these.
   *
   * @throws InvalidResumeToken, WatchAborted, WatchUnavailable, or what `snapshot` throws.
   */
  watch<Part>(options: WatchOptions<Part>): AsyncGenerator<WatchEvent<Part>, void, undefined>;
  /**
   * Resolves when the watchers of this process have received everything that is committed now; rejects if the database
   * is unavailable. For tests.
   */
  settled(): Promise<void>;
  /** Ends all watches with `WatchUnavailable`, and all background work; resolves when it has ended. */
  close(): Promise<void>;
}

/** Starts the sync of one process. It relays and trims from now on, and listens from the first watch on. */
export function createSync(options: SyncOptions): Sync {
  const { database, url, log, clock = systemClock, random = systemRandom } = options;
  const bounds = { ...BOUNDS, ...options };
  const outage = outageLog(log, 'the reading of changes');
  const relay = createRelay({ database, clock, outage: outageLog(log, 'the relay of changes') });
  const feed = createFeed({ ...bounds, now: () => clock.now(), outage });
  let listener: ReturnType<typeof keepListening> | undefined;
  const sweep = startSweep({
    database,
    clock,
    random,
    bounds,
    relay,
    feed,
    outage: outageLog(log, 'the trimming of changes'),
    checkListener: () => listener?.check(),
  });
  const snapshotReads = new FairSemaphore({
    maxRunning: bounds.maxSnapshots,
    maxWaiting: bounds.maxWatchers,
    rounds: 3,
    pace: eventLoopPace,
  });
  const context = { database, clock, feed, relay, bounds, snapshotReads };
  const watchers = createWatchers(context, () => {
    listener ??= keepListening({
      url,
      channel: CHANNEL,
      applicationName: 'rondo-sync',
      clock,
      random,
      onNotification: (payload = '') => feed.wake(/^\d+$/.test(payload) ? BigInt(payload) : undefined),
      outage: outageLog(log, 'listening for changes'),
    });
  });

  if (options.meter !== undefined) meterSync(options.meter, database, watchers.open);

  let closing: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    watchers.close();
    await Promise.all([sweep.close(), closeFeed(feed, () => listener?.close())]);
    await relay.close();
  };
  return {
    nudge: () => (closing === undefined ? relay.nudge() : undefined),
    watch: watchers.watch,
    async settled() {
      await relay.flush();
      await feed.catchUp();
    },
    close() {
      closing ??= end();
      return closing;
    },
  };
}

async function closeFeed(feed: Feed, closeListener: () => Promise<void> | undefined): Promise<void> {
  await closeListener();
  await feed.close(watchErrors.STOPPING());
}

/** Counts the open watches, and ends them all on close. */
function createWatchers(context: WatchContext, onFirst: () => void) {
  const open = new Map<AbortController, string | undefined>();
  let closed = false;

  const { maxWatchers, partTimeoutMs, readTimeoutMs } = context.bounds;
  /** Whether a caller that is known has half of what the others leave free. */
  const hasItsShare = (caller = '') => {
    if (caller === '' || open.size * 2 < maxWatchers) return false;
    const own = [...open.values()].filter((other) => other === caller).length;
    return own >= Math.ceil((maxWatchers - open.size + own) / 2);
  };
  async function* counted<Part>(options: WatchOptions<Part>): AsyncGenerator<WatchEvent<Part>, void, undefined> {
    if (closed) throw watchErrors.STOPPING();
    if (open.size >= maxWatchers || hasItsShare(options.caller))
      throw watchErrors.TOO_MANY_WATCHERS({ watchers: open.size });
    onFirst();
    const ending = new AbortController();
    const onAbort = (): void => ending.abort(options.signal.reason);
    options.signal.addEventListener('abort', onAbort);
    if (options.signal.aborted) onAbort();
    open.set(ending, options.caller);
    const leave = (): void => {
      options.signal.removeEventListener('abort', onAbort);
      open.delete(ending);
    };
    const held = { resources: false };
    const boundMs = () => (held.resources ? partTimeoutMs : readTimeoutMs);
    const limits = { clock: context.clock, boundMs, signal: ending.signal, onStall: leave };
    try {
      yield* endStalledReads(watch(context, { ...options, signal: ending.signal }, held), limits);
    } finally {
      leave();
    }
  }

  return {
    watch: counted,
    open: () => open.size,
    close(): void {
      closed = true;
      for (const ending of open.keys()) ending.abort(watchErrors.STOPPING());
    },
  };
}
