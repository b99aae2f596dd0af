import type { Clock } from '@rondo/rpc/clock';

/** How work is bounded. */
export interface WithinOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Ends the work early. */
  readonly signal?: AbortSignal;
}

/**
 * Runs `work`, and stops waiting for it once the time is up or the signal aborts, whether it listens or not: the
 * signal that it is given aborts then, and the promise rejects with the same reason.
 */
export async function within<T>(work: (signal: AbortSignal) => Promise<T>, options: WithinOptions): Promise<T> {
  const { clock, timeoutMs, signal } = options;
  signal?.throwIfAborted();
  const controller = new AbortController();
  const stop = (reason: unknown) => controller.abort(reason);
  const onAbort = () => stop(signal?.reason);
  const timer = clock.setTimer(timeoutMs, () => stop(new Error(`no answer within ${timeoutMs} ms`)));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([aborted(controller.signal), work(controller.signal)]);
  } finally {
    timer.cancel();
    signal?.removeEventListener('abort', onAbort);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
