import type {
  FleetCalls,
  WatchFiguresRequest,
  WatchFiguresResponse,
  WatchFleetResponse,
  WatchInstanceResponse,
} from '@rondo/contracts/rondo/gateway/v1/console';
import { backgroundClock, type Random, sleep, type WallClock } from '@rondo/rpc/clock';
import { woken } from './gather.js';
import { History, STEP_MS } from './history.js';
import { type Followed, Instances, type InstancesOptions, toInstance } from './instances.js';

/** The instances of the system, followed while anyone watches, or from its start if figures are kept. */
export interface Fleet {
  /** Yields all instances, then what changes, until `signal` aborts. */
  watch(signal: AbortSignal): AsyncIterable<WatchFleetResponse>;
  /** Follows the instances until it is closed, and keeps the figures of the last hour. */
  keepFigures(): void;
  /** Yields the steps that are kept, then each as it ends, until `signal` aborts. */
  watchFigures(request: WatchFiguresRequest, signal: AbortSignal): AsyncIterable<Omit<WatchFiguresResponse, 'gateway'>>;
  /** Yields how the callers of an instance see it, again and again, until `signal` aborts. */
  watchInstance(id: string, signal: AbortSignal): AsyncIterable<WatchInstanceResponse>;
  /** Ends all watches. */
  close(): void;
  /** How many watch now. */
  readonly watchers: number;
}

/** Changes that follow each other faster are sent as one. Up to twice as long, so that not all watchers get changes at once. Milliseconds. */
const PAUSE_MS = 250;
/** A large fleet is sent in parts, with a pause between them in which the gateway answers others. Instances, and milliseconds. */
const [MAX_SENT, PART_MS] = [100, 10];
/** How often the watchers of an instance get its state. Milliseconds. */
const INSTANCE_MS = 1_000;

/** What a watcher has got. */
interface Watcher {
  readonly sent: Map<string, Followed>;
  calls: FleetCalls | undefined;
  /** Whether something has changed since. */
  isNew: boolean;
  wake: () => void;
}

/** Options of {@link createFleet}. */
type FleetOptions = Omit<InstancesOptions, 'onChange' | 'onAnswer' | 'isWatched'> & {
  readonly random: Random;
  readonly wallClock: WallClock;
};

/** Creates a fleet. It follows the instances from the first watcher to the last, however many there are. */
export function createFleet(options: FleetOptions): Fleet {
  const { clock, random, wallClock } = options;
  const history = new History(wallClock);
  const watchers = new Set<Watcher>();
  let users = 0;
  let isKept = false;
  const closed = new AbortController();
  let instances: Instances | undefined;
  const onChange = () => {
    for (const watcher of watchers) {
      watcher.isNew = true;
      watcher.wake();
    }
  };
  const open = () => {
    users += 1;
    instances ??= new Instances({
      ...options,
      onChange,
      onAnswer: (id, answer) => history.take(id, answer),
      isWatched: () => users > Number(isKept),
    });
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
      const watcher: Watcher = { sent: new Map(), calls: undefined, isNew: true, wake: () => undefined };
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
    keepFigures() {
      if (isKept) return;
      isKept = true;
      open();
      const step = async () => {
        for (;;) {
          await sleep(backgroundClock(clock), STEP_MS, closed.signal);
          history.endStep();
        }
      };
      void step().catch(leave);
    },
    async *watchFigures(request, given) {
      const signal = AbortSignal.any([given, closed.signal]);
      let from = 0;
      while (!signal.aborted) {
        yield history.read(request, from);
        from = history.steps;
        // A step of an instance takes longer: the events without one show that the stream stands.
        await sleep(clock, STEP_MS, signal).catch(() => undefined);
      }
    },
    close: () => closed.abort(),
  };
}

/** What the watcher hasn't got yet. */
function eventOf(watcher: Watcher, instances: Instances): WatchFleetResponse {
  const { source, known } = instances;
  const { sent, calls: callsBefore } = watcher;
  const changed = [...known].filter(([id, one]) => sent.get(id) !== one);
  const left = [...sent.keys()].filter((id) => !known.has(id));
  const part = changed.slice(0, MAX_SENT);
  for (const id of left) sent.delete(id);
  for (const [id, one] of part) sent.set(id, one);
  watcher.isNew = changed.length > part.length;
  watcher.calls = instances.calls();
  const calls = watcher.calls === callsBefore ? undefined : watcher.calls;
  return { instances: part.map(([, one]) => toInstance(one)), left, source, calls };
}
