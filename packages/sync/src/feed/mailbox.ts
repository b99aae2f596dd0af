import { WatchAborted } from '../errors.js';
import type { Change } from '../history.js';

/** What waits for one watcher. */
export interface Mailbox {
  /** Takes a change in; where there are too many the mailbox fails, as its reader is too slow. */
  put(change: Change): void;
  /** Ends it: what waits is dropped, and `take` rejects from now on. No effect once it has failed. */
  fail(reason: unknown): void;
  /** The next change, as soon as there is one. One reader, one call at a time. */
  take(): Promise<Change>;
}

/** Makes a mailbox of at most so many changes. */
export function createMailbox(most: number, onOverflow: () => void): Mailbox {
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
    // Dropping what was read only now and then costs less than moving all the others each time.
    if (next >= waiting.length || next >= most) {
      waiting = waiting.slice(next);
      next = 0;
    }
    return change;
  };

  return {
    fail,
    put(change) {
      if (failed !== undefined) return;
      if (waiting.length - next >= most) {
        onOverflow();
        fail(new WatchAborted(`${most} changes wait to be read: read faster, and go on from the last resume token`));
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
