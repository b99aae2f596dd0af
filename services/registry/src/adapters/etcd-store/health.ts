import type { Logger } from '@rondo/rpc/call';
import { type Clock, type Random, sleep } from '@rondo/rpc/clock';
import type { Etcd } from './etcd-client.js';
import type { Follower } from './follower.js';

/** What is looked after. */
export interface HealthOptions {
  readonly etcd: Etcd;
  /** The key whose revision is the registry's. */
  readonly head: Buffer;
  readonly follower: Follower;
  /** The registry's revision, as far as it has heard here. */
  readonly position: () => bigint;
  /** Why changes aren't heard of, where they aren't. */
  readonly failure: () => string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Whether etcd can be reached, looked at for as long as it runs. */
export interface Health {
  readonly connected: boolean;
  /** Resolves once nothing is under way. */
  stop(): Promise<void>;
}

const INTERVAL_MS = 1_000;
/** For a range of one key. */
const NO_END = Buffer.alloc(0);
/** One that fails may be chance: a member that ends. */
const FAILURES_UNTIL_AWAY = 2;

/**
 * Asks etcd every second for the registry's revision: that it answers at all, and that the watch here isn't behind for
 * longer than till the next time. A member that is frozen or cut off keeps a watch open and tells it nothing: then
 * another is watched. Each change of state is one line of the log.
 */
export function watchHealth(options: HealthOptions): Health {
  const { etcd, clock, random, log } = options;
  const stopped = new AbortController();
  const look = lookAfter(options);
  let connected = false;
  let wasConnected = false;
  let failures = 0;

  function note(failure: string | undefined): void {
    failures = failure === undefined ? 0 : failures + 1;
    if (failure === undefined && !connected) {
      connected = true;
      if (wasConnected) log.info({ store: etcd.name }, 'the store is back');
      wasConnected = true;
    } else if (connected && failures >= FAILURES_UNTIL_AWAY) {
      connected = false;
      const consequence = 'lists and watches go on from what is known, changes are refused until it is back';
      log.warn({ store: etcd.name, reason: failure }, `the store can't be reached: ${consequence}`);
    }
  }

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      note(await look());
      const delayMs = INTERVAL_MS * (0.8 + 0.2 * random.next());
      await sleep(clock, delayMs, stopped.signal).catch(() => undefined);
    }
  }

  const done = run();
  return {
    get connected() {
      return connected;
    },
    async stop() {
      stopped.abort();
      await done;
    },
  };
}

/** What looks once, and says what is wrong. */
function lookAfter({ etcd, head, follower, position, failure }: HealthOptions): () => Promise<string | undefined> {
  let missing: bigint | undefined;
  let cluster: bigint | undefined;
  return async () => {
    const known = position();
    try {
      const { pairs, clusterId } = await etcd.read({ key: head, rangeEnd: NO_END });
      const revision = pairs[0]?.modRevision ?? 0n;
      const isStuck = missing !== undefined && missing > position();
      missing = revision > position() ? revision : undefined;
      if (revision < known || (cluster !== undefined && clusterId !== cluster)) {
        follower.reload('etcd is not the one that it was: it was emptied, or restored from a backup');
      } else if (isStuck) {
        missing = undefined;
        follower.restart('the member that is watched tells nothing of what has changed');
      }
      cluster = clusterId;
      return failure();
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
}
