import type {
  WatchFiguresRequest,
  WatchFiguresResponse,
  WatchFleetResponse,
  WatchInstanceResponse,
} from '@rondo/contracts/rondo/gateway/v1/console';
import { backgroundClock, sleep, type WallClock } from '@rondo/rpc/clock';
import { FleetEvents } from './fleet-events.js';
import { History, STEP_MS } from './history.js';
import { Instances, type InstancesOptions } from './instances.js';

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
  readonly watchers: number;
}

/** How often the watchers of an instance get its state. Milliseconds. */
const INSTANCE_MS = 1_000;

/** Options of {@link createFleet}. */
type FleetOptions = Omit<InstancesOptions, 'onChange' | 'onAnswer' | 'isWatched'> & { readonly wallClock: WallClock };

/** Creates a fleet. It follows the instances from the first watcher to the last, however many there are. */
export function createFleet(options: FleetOptions): Fleet {
  const { clock, wallClock } = options;
  const history = new History(wallClock);
  let users = 0;
  let isKept = false;
  const closed = new AbortController();
  let followed: { readonly instances: Instances; readonly events: FleetEvents } | undefined;
  const follow = () => {
    const instances = new Instances({
      ...options,
      onChange: () => followed?.events.change(),
      onAnswer: (id, answer) => history.take(id, answer),
      isWatched: () => users > Number(isKept),
    });
    return { instances, events: new FleetEvents(instances, clock) };
  };
  const open = () => {
    users += 1;
    followed ??= follow();
    return followed;
  };
  const leave = () => {
    users -= 1;
    if (users > 0) return;
    followed?.instances.close();
    followed = undefined;
  };
  return {
    get watchers() {
      return users;
    },
    async *watch(given) {
      const { events } = open();
      try {
        yield* events.watch(AbortSignal.any([given, closed.signal]));
      } finally {
        leave();
      }
    },
    async *watchInstance(id, given) {
      const signal = AbortSignal.any([given, closed.signal]);
      const { instances } = open();
      try {
        while (!signal.aborted) {
          instances.askAbout(id);
          yield instances.callersOf(id);
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
