import type {
  FleetCalls,
  FleetInstance,
  WatchFleetResponse,
  WatchInstanceResponse,
} from '@rondo/contracts/rondo/gateway/v1/console';
import { sleep } from '@rondo/rpc/clock';
import { woken } from './gather.js';
import { type Change, followInstances, type Instances, type InstancesOptions } from './instances.js';

/** The instances of the system, followed while anyone watches. */
export interface Fleet {
  /** Yields all instances, then what changes, until `signal` aborts. */
  watch(signal: AbortSignal): AsyncIterable<WatchFleetResponse>;
  /** Yields how the callers of an instance see it, again and again, until `signal` aborts. */
  watchInstance(id: string, signal: AbortSignal): AsyncIterable<WatchInstanceResponse>;
  /** Ends all watches. */
  close(): void;
  /** How many watch now. */
  readonly watchers: number;
}

/** Changes that follow each other faster are sent as one. Up to twice as long, so that not all watchers are told at once. Milliseconds. */
const PAUSE_MS = 250;
/** A large fleet is told in parts, with a pause between them in which the gateway answers others. Instances, and milliseconds. */
const [MAX_TOLD, PART_MS] = [100, 10];
/** How often the watchers of an instance are told. Milliseconds. */
const INSTANCE_MS = 1_000;

/** What a watcher hasn't been told yet: never more than there are instances. */
interface Watcher {
  readonly changed: Set<string>;
  readonly left: Set<string>;
  isNew: boolean;
  /** The calls that it was told. */
  calls: FleetCalls | undefined;
  wake: () => void;
}

/** Creates a fleet. It follows the instances from the first watcher to the last, however many there are. */
export function createFleet(options: InstancesOptions): Fleet {
  const { clock, random } = options;
  const watchers = new Set<Watcher>();
  let users = 0;
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
  const open = () => {
    users += 1;
    instances ??= followInstances(options, tell);
    return instances;
  };
  const leave = () => {
    users -= 1;
    if (users > 0) return;
    instances?.close();
    instances = undefined;
  };
  return {
    get watchers() {
      return users;
    },
    async *watch(given) {
      const signal = AbortSignal.any([given, closed.signal]);
      const changed = new Set(instances?.ids);
      const watcher: Watcher = { changed, left: new Set(), isNew: true, calls: undefined, wake: () => undefined };
      watchers.add(watcher);
      const followed = open();
      try {
        while (!signal.aborted) {
          if (!watcher.isNew) await woken(watcher, { clock, signal });
          yield eventOf(watcher, followed);
          await sleep(clock, watcher.isNew ? PART_MS : PAUSE_MS * (1 + random.next()), signal).catch(() => undefined);
        }
      } finally {
        watchers.delete(watcher);
        leave();
      }
    },
    async *watchInstance(id, given) {
      const signal = AbortSignal.any([given, closed.signal]);
      const followed = open();
      try {
        while (!signal.aborted) {
          followed.askAbout(id);
          yield followed.callersOf(id);
          await sleep(clock, INSTANCE_MS, signal).catch(() => undefined);
        }
      } finally {
        leave();
      }
    },
    close: () => closed.abort(),
  };
}

/** Takes what the watcher hasn't been told. */
function eventOf(watcher: Watcher, { source, get, calls: callsNow }: Instances): WatchFleetResponse {
  const calls = callsNow();
  const told = [...watcher.changed].slice(0, MAX_TOLD);
  const changed = told.map(get).filter((one): one is FleetInstance => one !== undefined);
  const left = [...watcher.left];
  for (const id of told) watcher.changed.delete(id);
  watcher.left.clear();
  watcher.isNew = watcher.changed.size > 0;
  const before = watcher.calls;
  watcher.calls = calls;
  return { instances: changed, left, source, calls: calls === before ? undefined : calls };
}
