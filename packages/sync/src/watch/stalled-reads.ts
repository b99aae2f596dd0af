import { WatchAborted } from '../errors.js';
import type { SyncClock } from '../options.js';

/** How long a reader is waited for. */
interface ReadLimits {
  readonly clock: SyncClock;
  /** How long it may take for the event that it is being told; asked at each. Milliseconds. */
  readonly boundMs: () => number;
  /** Ends the events, whatever their reader does. */
  readonly signal: AbortSignal;
  /** Told when a reader wasn't waited for any longer. */
  readonly onStall: () => void;
}

/**
 * The events of `source`, as long as their reader takes them. One that takes longer than it may has `source` ended at once,
 * so that whatever that holds is free; the reader is told when it asks for the next event, if it ever does.
 *
 * A reader that is connected and doesn't read can't be told anything: its transport waits for it with what it was sent.
 */
export async function* endStalledReads<T>(
  source: AsyncGenerator<T, void, undefined>,
  patience: ReadLimits,
): AsyncGenerator<T, void, undefined> {
  let ended: { readonly reason: unknown } | undefined;
  const end = (reason: unknown): void => {
    ended ??= { reason };
    // What its end comes to is of no interest to a reader that is told of another.
    void Promise.allSettled([source.return()]);
  };
  try {
    for (;;) {
      const { value, done } = await source.next();
      if (done === true) return;
      const taken = untilTaken(patience, end);
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

/** Calls `end` when the time is over or the signal aborts, unless what it returns is called before. */
function untilTaken({ clock, boundMs, signal, onStall }: ReadLimits, end: (reason: unknown) => void): () => void {
  const takesMs = boundMs();
  const onTime = (): void => {
    end(tooSlow(takesMs));
    onStall();
  };
  const timer = clock.setTimer(takesMs, onTime);
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

function tooSlow(takesMs: number): WatchAborted {
  return new WatchAborted(`nothing was read for ${takesMs} ms: read faster, and go on from the last resume token`);
}
