import type { Clock } from '@rondo/rpc/clock';
import { watchErrors } from '../errors.js';

/** How long a reader may take. */
interface ReadLimits {
  readonly clock: Clock;
  /** The limit for the current event, in milliseconds; called for each event. */
  readonly boundMs: () => number;
  /** Ends the events, even if the reader doesn't read. */
  readonly signal: AbortSignal;
  /** Called when a reader exceeds the limit. */
  readonly onStall: () => void;
}

/**
 * The events of `source`, with a limit on the reader's time per event. If a reader exceeds it, `source` is ended at
 * once, so that its resources are free. The reader gets the error when it requests the next event.
 *
 * A connected reader that doesn't read can't be notified: its transport blocks on the events that were sent before.
 */
export async function* endStalledReads<T>(
  source: AsyncGenerator<T, void, undefined>,
  limits: ReadLimits,
): AsyncGenerator<T, void, undefined> {
  let ended: { readonly reason: unknown } | undefined;
  const end = (reason: unknown): void => {
    ended ??= { reason };
    // The reader gets `reason`, so the outcome of this is irrelevant.
    void Promise.allSettled([source.return()]);
  };
  try {
    for (;;) {
      const { value, done } = await source.next();
      if (done === true) return;
      const taken = untilTaken(limits, end);
      try {
        yield value;
      } finally {
        taken();
      }
      if (ended !== undefined) throw ended.reason;
    }
  } finally {
    await source.return();
  }
}

/** Calls `end` when the time is over or the signal aborts, unless the returned function is called before. */
function untilTaken({ clock, boundMs, signal, onStall }: ReadLimits, end: (reason: unknown) => void): () => void {
  const limitMs = boundMs();
  const onTime = (): void => {
    end(watchErrors.NOTHING_READ({ limitMs }));
    onStall();
  };
  const timer = clock.setTimer(limitMs, onTime);
  const onAbort = (): void => {
    timer.cancel();
    end(signal.reason);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  return () => {
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
  };
}
