import { watchErrors } from '../errors.js';
import type { Change } from '../history.js';

/** The queue of changes for one watcher. */
export interface Mailbox {
  /** Adds a change. If the queue is full, the mailbox fails, because its reader is too slow. */
  put(change: Change): void;
  /** Drops the queue; from now on `take` rejects with `reason`. No effect once it has failed. */
  fail(reason: unknown): void;
  /** The next change, once there is one. For one reader and one call at a time. */
  take(): Promise<Change>;
}

/** Creates a mailbox whose queue holds up to `maxChanges` changes. */
export function createMailbox(maxChanges: number): Mailbox {
  let waiting: Change[] = [];
  let next = 0;
  let failed: { readonly reason: unknown } | undefined;
  let wake: (() => void) | undefined;

  const fail = (reason: unknown): void => {
    failed ??= { reason };
    waiting = [];
    next = 0;
    wake?.();
  };
  const shift = (): Change | undefined => {
    const change = waiting[next];
    next += 1;
    // Removing read changes only from time to time costs less than moving the others each time.
    if (next >= waiting.length || next >= maxChanges) {
      waiting = waiting.slice(next);
      next = 0;
    }
    return change;
  };

  return {
    fail,
    put(change) {
      if (failed !== undefined) return;
      if (waiting.length - next >= maxChanges) {
        fail(watchErrors.CHANGES_WAIT({ maxChanges }));
        return;
      }
      waiting.push(change);
      wake?.();
    },
    async take() {
      for (;;) {
        if (failed !== undefined) throw failed.reason;
        const change = shift();
        if (change !== undefined) return change;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
