import type { ServerCall } from '@rondo/rpc/call';
import type { Clock } from '@rondo/rpc/clock';
import { endWith, type Middleware } from '@rondo/rpc/middleware';

/** What a server has to do. */
export interface Load {
  /** Calls that have begun and not ended. */
  readonly callsInFlight: number;
  /** Calls that have begun since the process started. */
  readonly callsBegun: number;
  /** Calls that began a second, of late. */
  readonly callsPerSecond: number;
}

/** Counts the calls of a server. */
export interface LoadMeter {
  /** The load now. */
  read(): Load;
  /** Sees each call; stands outermost in the chain. */
  readonly middleware: Middleware<ServerCall>;
}

/** How calls are counted. */
export interface LoadMeterOptions {
  readonly clock: Clock;
  /** Services, fully qualified, whose calls are no work: health and the like. */
  readonly ignored: readonly string[];
}

/**
 * Counts the calls that a drain waits for. A response stream without a deadline isn't one: nothing but its caller ends
 * it, and whoever wants it goes to another instance.
 */
export function createLoadMeter({ clock, ignored }: LoadMeterOptions): LoadMeter {
  const uncounted: ReadonlySet<string> = new Set(ignored);
  const rate = createRate(clock);
  let callsInFlight = 0;
  let callsBegun = 0;
  return {
    read: () => ({ callsInFlight, callsBegun, callsPerSecond: rate.read() }),
    middleware(call, next) {
      const endless = call.method.responseStream && call.deadline === undefined;
      if (endless || uncounted.has(call.method.service)) return next(call);
      callsInFlight += 1;
      callsBegun += 1;
      rate.add();
      return endWith(next(call), () => {
        callsInFlight -= 1;
      });
    },
  };
}

const WINDOW_MS = 5_000;

/** A rate over the last window: of the window before it counts what still lies within. */
function createRate(clock: Clock): { add(): void; read(): number } {
  let startedAt = clock.now();
  let count = 0;
  let before = 0;
  const roll = () => {
    const windows = Math.floor((clock.now() - startedAt) / WINDOW_MS);
    if (windows === 0) return;
    before = windows === 1 ? count : 0;
    count = 0;
    startedAt += windows * WINDOW_MS;
  };
  return {
    add() {
      roll();
      count += 1;
    },
    read() {
      roll();
      const passed = (clock.now() - startedAt) / WINDOW_MS;
      return (count + before * (1 - passed)) / (WINDOW_MS / 1_000);
    },
  };
}
