import type { FleetInstance, WatchFleetResponse } from '@rondo/contracts/rondo/gateway/v1/console';
import { type Clock, sleep } from '@rondo/rpc/clock';
import { type Change, followInstances, type Instances, type InstancesOptions } from './instances.js';

/** The instances of the system, followed while anyone watches. */
export interface Fleet {
  /** Yields all instances, then what changes, until `signal` aborts. */
  watch(signal: AbortSignal): AsyncIterable<WatchFleetResponse>;
  /** Ends all watches. */
  close(): void;
  /** How many watch now. */
  readonly watchers: number;
}

/** Changes that follow each other faster are sent as one. Milliseconds. */
const PAUSE_MS = 250;
/** A watcher is told something at least this often. Milliseconds. */
const HEARTBEAT_MS = 10_000;

/** What a watcher hasn't been told yet: never more than there are instances. */
interface Watcher {
  readonly changed: Set<string>;
  readonly left: Set<string>;
  isNew: boolean;
  wake: () => void;
}

/** Creates a fleet. It follows the instances from the first watcher to the last, however many there are. */
export function createFleet(options: InstancesOptions): Fleet {
  const { clock } = options;
  const watchers = new Set<Watcher>();
  const closed = new AbortController();
  let instances: Instances | undefined;
  const tell = ({ changed, left }: Change) => {
    for (const watcher of watchers) {
      for (const id of left) {
        watcher.changed.delete(id);
        watcher.left.add(id);
      }
      for (const id of changed) {
        watcher.left.delete(id);
        watcher.changed.add(id);
      }
      watcher.isNew = true;
      watcher.wake();
    }
  };
  return {
    get watchers() {
      return watchers.size;
    },
    async *watch(given) {
      const signal = AbortSignal.any([given, closed.signal]);
      const watcher: Watcher = {
        changed: new Set(instances?.ids),
        left: new Set(),
        isNew: true,
        wake: () => undefined,
      };
      watchers.add(watcher);
      instances ??= followInstances(options, tell);
      try {
        while (!signal.aborted) {
          if (!watcher.isNew) await woken(watcher, { clock, signal });
          yield eventOf(watcher, instances);
          await sleep(clock, PAUSE_MS, signal).catch(() => undefined);
        }
      } finally {
        watchers.delete(watcher);
        if (watchers.size === 0) {
          instances?.close();
          instances = undefined;
        }
      }
    },
    close: () => closed.abort(),
  };
}

/** Takes what the watcher hasn't been told. */
function eventOf(watcher: Watcher, { source, get }: Instances): WatchFleetResponse {
  const changed = [...watcher.changed].map(get).filter((one): one is FleetInstance => one !== undefined);
  const left = [...watcher.left];
  watcher.changed.clear();
  watcher.left.clear();
  watcher.isNew = false;
  return { instances: changed, left, source };
}

/** Waits for news, but not long: a watcher then learns that the stream stands. */
export function woken(
  watcher: { wake: () => void },
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.setTimer(HEARTBEAT_MS, done);
    watcher.wake = done;
    signal.addEventListener('abort', done);
  });
}
