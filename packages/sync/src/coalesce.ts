import type { SyncClock } from './options.js';

/** Work of which one run at most is under way. */
interface SingleFlight {
  /** Starts a run, or, while one is under way, has another follow it. Resolves or rejects as that run does. */
  run(): Promise<void>;
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
}

/** Many asks, few runs: whoever asks is served by a run that began after it asked. */
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
    await after.catch(() => undefined); // its own callers are told
    following = undefined;
    return start();
  };

  return {
    run() {
      // Also when nothing runs at the moment: the one that follows is about to start.
      if (following !== undefined) return following;
      if (current === undefined) return start();
      following = follow(current);
      return following;
    },
    async idle() {
      while (current !== undefined || following !== undefined) {
        await (following ?? current)?.catch(() => undefined); // as above
      }
    },
  };
}

/** Work that begins no more often than so. */
interface Throttle {
  /** Begins it at once, or, where it began a moment ago, shortly after: once for all that ask until then. */
  request(): void;
  /** Begins now what still waits, and nothing later of itself. */
  flush(): void;
}

/** At rest nobody waits; under load many asks share what each beginning costs. */
export function throttle(clock: SyncClock, everyMs: number, begin: () => void): Throttle {
  let nextAt = Number.NEGATIVE_INFINITY;
  let timer: ReturnType<SyncClock['setTimer']> | undefined;
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
