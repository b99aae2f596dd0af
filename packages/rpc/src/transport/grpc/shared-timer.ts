import { type Clock, foregroundClock, type Timer } from '@rondo/base';

/** What is due at one moment. */
interface Group {
  readonly callbacks: Set<() => void>;
  readonly timer: Timer;
}

/**
 * The groups of one clock, by moment. Moments are counted from the first timer, so that processes don't all wake at
 * the same moments.
 */
interface Groups extends Map<number, Group> {
  readonly origin: number;
}

const groupsOf = new WeakMap<Clock, Groups>();

/**
 * Runs `callback` after `delayMs`, rounded up so that it is due at a multiple of `stepMs`. Callbacks that are due at one moment share
 * a timer, so a process with many connections wakes once for all of them. The timer doesn't keep the process alive.
 */
export function setSharedTimer(given: Clock, { delayMs, stepMs }: SharedDelay, callback: () => void): Timer {
  const clock = foregroundClock(given); // whose timers and those of its background clock share their moments
  const now = clock.now();
  const groups = groupsOf.get(clock) ?? Object.assign(new Map<number, Group>(), { origin: now });
  groupsOf.set(clock, groups);
  const { origin } = groups;
  const at = Math.ceil((now + delayMs - origin) / stepMs) * stepMs + origin;
  let group = groups.get(at);
  if (group === undefined) {
    const callbacks = new Set<() => void>();
    const run = () => {
      groups.delete(at);
      for (const one of callbacks) one();
    };
    group = { callbacks, timer: clock.setTimer(Math.ceil(at - now), run, { keepAlive: false }) };
    groups.set(at, group);
  }
  const { callbacks, timer } = group;
  callbacks.add(callback);
  return {
    cancel() {
      callbacks.delete(callback);
      if (callbacks.size > 0) return;
      timer.cancel();
      if (groups.get(at)?.timer === timer) groups.delete(at);
    },
  };
}

interface SharedDelay {
  readonly delayMs: number;
  readonly stepMs: number;
}
