import type { Database } from '@rondo/database';
import { WatchUnavailable } from './errors.js';
import { createFeed, type Feed } from './feed/feed.js';
import { type Listener, startListener } from './feed/listener.js';
import { boundsOf, type OnSyncEvent, type SyncBounds, type SyncClock, type SyncLog, systemClock } from './options.js';
import { outageLog } from './outage.js';
import { createRelay } from './relay.js';
import { startSweep } from './sweep.js';
import { createHeldParts } from './watch/held.js';
import { createSemaphore } from './watch/semaphore.js';
import { endStalledReads } from './watch/stalled-reads.js';
import { type WatchContext, type WatchEvent, type WatchOptions, watch } from './watch/watch.js';

/** What the sync of a process needs. */
export interface SyncOptions extends SyncBounds {
  /** The service's own; its schema has {@link syncSchema}. */
  readonly database: Database;
  /** The same database, for the one connection more that hears of changes. */
  readonly url: string;
  readonly log: SyncLog;
  readonly clock?: SyncClock;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  readonly onEvent?: OnSyncEvent;
}

/** Tells the watchers of every replica what each of them writes. */
export interface Sync {
  /** Call it after a commit that appended changes. Never waits, never fails: the sweep makes up for it. */
  nudge(): void;
  /**
   * Follows a topic: the present state, then each change after it, once and in order; or, with a token, each change
   * after that. A token is good at every replica and after a restart; where it can't be gone on from any more (the
   * history was trimmed, the database restored from a backup), there is a new snapshot instead.
   *
   * Ends by failing only: with the signal's reason, or
   *
   * @throws InvalidResumeToken, WatchAborted, WatchUnavailable, or what `snapshot` throws.
   */
  watch<Part>(options: WatchOptions<Part>): AsyncGenerator<WatchEvent<Part>, void, undefined>;
  /**
   * Resolves when what is committed now has been handed to the watchers of this process; rejects when the database is
   * away. For tests, which then need not wait for luck.
   */
  settled(): Promise<void>;
  /** Ends all watches as `WatchUnavailable` and everything else that runs; resolves when it has ended. */
  close(): Promise<void>;
}

/** Starts the sync of one process: it relays and trims from now on, and listens once somebody watches. */
export function createSync(options: SyncOptions): Sync {
  const { database, url, log, clock = systemClock, random = Math.random, onEvent = () => undefined } = options;
  const bounds = boundsOf(options);
  const outage = outageLog(log, 'the reading of changes');
  const relay = createRelay({ database, clock, onEvent, outage: outageLog(log, 'the relay of changes') });
  const now = (): number => clock.now();
  const feed = createFeed({ ...bounds, database, now, onEvent, outage });
  let listener: Listener | undefined;
  const sweep = startSweep({
    ...{ database, clock, random, bounds, relay, feed, onEvent },
    outage: outageLog(log, 'the trimming of changes'),
    checkListener: () => listener?.check(),
  });
  const permits = { whole: createSemaphore(bounds.maxSnapshots), streamed: createSemaphore(bounds.maxLargeSnapshots) };
  const context = { database, clock, feed, relay, bounds, onEvent, permits, held: createHeldParts(bounds.heldParts) };
  const watchers = createWatchers(context, () => {
    listener ??= startListener({
      url,
      clock,
      random,
      onNews: feed.wake,
      outage: outageLog(log, 'listening for changes'),
    });
  });

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
  await feed.close(stopping());
}

function stopping(): WatchUnavailable {
  return new WatchUnavailable('this replica is stopping: go on at another from the last resume token');
}

/** Counts the watchers, and ends them all. */
function createWatchers(context: WatchContext, onFirst: () => void) {
  const open = new Set<AbortController>();
  let closed = false;

  const { partTimeoutMs, readTimeoutMs } = context.bounds;
  async function* counted<Part>(options: WatchOptions<Part>): AsyncGenerator<WatchEvent<Part>, void, undefined> {
    if (closed) throw stopping();
    if (open.size >= context.bounds.maxWatchers) {
      throw new WatchUnavailable(`this replica has ${open.size} watchers, as many as it takes: watch another`);
    }
    onFirst();
    const ending = new AbortController();
    const onAbort = (): void => ending.abort(options.signal.reason);
    options.signal.addEventListener('abort', onAbort);
    if (options.signal.aborted) onAbort();
    open.add(ending);
    context.onEvent({ kind: 'watchers', open: open.size });
    const leave = (): void => {
      options.signal.removeEventListener('abort', onAbort);
      if (open.delete(ending)) context.onEvent({ kind: 'watchers', open: open.size });
    };
    const keeping = { something: false };
    const boundMs = () => (keeping.something ? partTimeoutMs : readTimeoutMs);
    const patience = { clock: context.clock, boundMs, signal: ending.signal, onStall: leave };
    try {
      yield* endStalledReads(watch(context, { ...options, signal: ending.signal }, keeping), patience);
    } finally {
      leave();
    }
  }

  return {
    watch: counted,
    close(): void {
      closed = true;
      for (const ending of open) ending.abort(stopping());
    },
  };
}
