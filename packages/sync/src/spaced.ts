import type { SyncClock } from './clock.js';

/** Work that begins no more often than so. */
export interface Throttle {
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
