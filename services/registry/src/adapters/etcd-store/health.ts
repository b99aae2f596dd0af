import type { Logger } from '@rondo/rpc/call';
import { type Clock, type Random, sleep } from '@rondo/rpc/clock';
import type { Etcd } from './etcd-client.js';
import type { KeyWatch } from './key-watch.js';

/** The options of {@link watchHealth}. */
export interface HealthOptions {
  readonly etcd: Etcd;
  /** The key whose revision is the registry's revision. */
  readonly head: Buffer;
  readonly keyWatch: KeyWatch;
  /** The registry's revision, as applied here. */
  readonly position: () => bigint;
  /** Why the key watch is broken; undefined if it works. */
  readonly failure: () => string | undefined;
  /** Runs once in each outage, when etcd has been away for a while, with the reason. */
  readonly onCutOff: (reason: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Checks repeatedly whether etcd can be reached. */
export interface Health {
  readonly connected: boolean;
  /** Resolves once no check is running. */
  stop(): Promise<void>;
}

const INTERVAL_MS = 1_000;
/** The end of a range of one key. */
const NO_END = Buffer.alloc(0);
/** One failure may be chance, such as a member that stops. */
const FAILURES_UNTIL_AWAY = 2;
/** Longer than the election of a leader takes. */
const FAILURES_UNTIL_CUT_OFF = 10;

/**
 * Reads the registry's revision from etcd every second. That shows whether etcd answers at all, and whether the key
 * watch is behind for longer than one interval. A member that is frozen or cut off keeps a watch open without sending
 * anything: the key watch then moves to another member. Each change of state is one log line.
 */
export function watchHealth(options: HealthOptions): Health {
  const { etcd, onCutOff, clock, random, log } = options;
  const stopped = new AbortController();
  const check = createCheck(options);
  let connected = false;
  let wasConnected = false;
  let failures = 0;

  function note(failure: string | undefined): void {
    failures = failure === undefined ? 0 : failures + 1;
    if (failure !== undefined && failures === FAILURES_UNTIL_CUT_OFF) onCutOff(failure);
    if (failure === undefined && !connected) {
      connected = true;
      if (wasConnected) log.info({ store: etcd.name }, 'the store is back');
      wasConnected = true;
    } else if (connected && failures >= FAILURES_UNTIL_AWAY) {
      connected = false;
      const consequence = 'lists and watches continue with the last known state, changes are refused until it is back';
      log.warn({ store: etcd.name, reason: failure }, `the store can't be reached: ${consequence}`);
    }
  }

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      note(await check());
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

/** Creates the check. It returns what is wrong, or undefined. */
function createCheck({ etcd, head, keyWatch, position, failure }: HealthOptions): () => Promise<string | undefined> {
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
        keyWatch.reload('etcd has lost its former state: it was emptied, or restored from a backup');
      } else if (isStuck) {
        missing = undefined;
        keyWatch.restart('the watched member sends no changes although there are some');
      }
      cluster = clusterId;
      return failure();
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
}
