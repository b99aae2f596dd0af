import type { Clock } from './clock.js';

/** Limits of a piece of work. */
interface TimeoutOptions {
  readonly clock: Clock;
  /** None by default. */
  readonly timeoutMs?: number;
  /** Ends the work early. */
  readonly signal?: AbortSignal;
}

/**
 * Runs `work` with a timeout. When the time is over or the signal in `options` aborts, the promise rejects with the reason, and the
 * signal that `work` received aborts with the same reason. The promise doesn't wait for `work` to react.
 */
export async function withTimeout<T>(work: (signal: AbortSignal) => Promise<T>, options: TimeoutOptions): Promise<T> {
  const { clock, timeoutMs, signal } = options;
  signal?.throwIfAborted();
  const controller = new AbortController();
  const stop = (reason: unknown) => controller.abort(reason);
  const onAbort = () => stop(signal?.reason);
  const timer =
    timeoutMs === undefined
      ? undefined
      : clock.setTimer(timeoutMs, () => stop(new Error(`no answer within ${timeoutMs} ms`)));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([aborted(controller.signal), work(controller.signal)]);
  } finally {
    timer?.cancel();
    signal?.removeEventListener('abort', onAbort);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
