import type { Clock } from '@rondo/rpc/clock';
import { InFlight, type InFlightMember } from '@rondo/rpc/internal';

/** A point in time at which something is cut off, unless it ends before. */
export interface Deadline {
  /** No effect once it has passed. */
  cancel(): void;
}

/** The deadlines of a listener: one timer for all of them, because most requests end long before theirs. */
export interface Deadlines {
  /** Runs `expire` once, `afterMs` from now or up to a tick later. It must not throw. */
  set(afterMs: number, expire: () => void): Deadline;
  /** The time of the clock. Milliseconds. */
  now(): number;
  /** How many are pending. */
  readonly size: number;
}

interface Entry extends InFlightMember {
  readonly at: number;
  readonly expire: () => void;
}

export function createDeadlines(clock: Clock, tickMs: number): Deadlines {
  const pending = new InFlight<Entry>();
  let armed = false;
  const tick = () => {
    armed = false;
    const now = clock.now();
    for (const entry of pending.all()) {
      // One that expires before it may have cancelled it.
      if (entry.at > now || entry.slot < 0) continue;
      pending.delete(entry);
      entry.expire();
    }
    arm();
  };
  const arm = () => {
    if (armed || pending.size === 0) return;
    armed = true;
    clock.setTimer(tickMs, tick, { keepAlive: false });
  };
  return {
    set(afterMs, expire) {
      const entry: Entry = { slot: -1, at: clock.now() + afterMs, expire };
      pending.add(entry);
      arm();
      return { cancel: () => pending.delete(entry) };
    },
    now: () => clock.now(),
    get size() {
      return pending.size;
    },
  };
}
