import type { Clock } from '@rondo/rpc/clock';

/** Work of which at most one run is in progress. */
interface SingleFlight {
  /** Starts a run; if one is in progress, a single further run follows it. Settles as the started run does. */
  run(): Promise<void>;
  /** Resolves when no run is in progress or pending. */
  idle(): Promise<void>;
}

/** Coalesces calls: each call is served by a run that started after the call. */
export function singleFlight(work: () => Promise<void>): SingleFlight {
  let current: Promise<void> | undefined;
  let following: Promise<void> | undefined;

  const start = (): Promise<void> => {
    const run = work().finally(() => {
      if (current === run) current = undefined;
    });
    current = run;
    return run;
  };
  const follow = async (after: Promise<void>): Promise<void> => {
    await after.catch(() => undefined); // its own callers get the error
    following = undefined;
    return start();
  };

  return {
    run() {
      // Even if no run is in progress: the following run is about to start.
      if (following !== undefined) return following;
      if (current === undefined) return start();
      following = follow(current);
      return following;
    },
    async idle() {
      while (current !== undefined || following !== undefined) {
        await (following ?? current)?.catch(() => undefined); // its callers get the error
      }
    },
  };
}

/** Work with a minimum interval between its starts. */
interface Throttle {
  /** Starts the work at once; within the interval, once at its end for all requests until then. */
  request(): void;
  /** Starts pending work now, and cancels its timer. */
  flush(): void;
}

/** At rest a request starts at once; under load many requests share the cost of a start. */
export function throttle(clock: Clock, everyMs: number, begin: () => void): Throttle {
  let nextAt = Number.NEGATIVE_INFINITY;
  let timer: ReturnType<Clock['setTimer']> | undefined;
  const run = (): void => {
    timer = undefined;
    nextAt = clock.now() + everyMs;
    begin();
  };
  return {
    request() {
      if (timer !== undefined) return;
      const restMs = nextAt - clock.now();
      if (restMs > 0) timer = clock.setTimer(restMs, run);
      else run();
    },
    flush() {
      if (timer === undefined) return;
      timer.cancel();
      run();
    },
  };
}
