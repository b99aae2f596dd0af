import { DatabaseUnavailable } from './errors.js';

/** Limits of a wait; `timeoutMs` 0 means no limit. */
export interface Bounds {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/**
 * Settles as `work` does, but rejects as soon as the signal aborts (with its reason) or the time is over. In both cases
 * it first calls `giveUp` once, to release what `work` still holds.
 */
export function withBounds<T>(work: Promise<T>, { signal, timeoutMs = 0 }: Bounds, giveUp: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const abandon = (reason: unknown): void => {
      release();
      giveUp();
      reject(reason);
    };
    const onAbort = (): void => abandon(signal?.reason);
    const onTimeout = (): void => abandon(new DatabaseUnavailable(`PostgreSQL gave no answer within ${timeoutMs} ms`));
    const timer = timeoutMs > 0 ? setTimeout(onTimeout, timeoutMs) : undefined;
    const release = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const settled =
      <V>(pass: (value: V) => void) =>
      (value: V): void => {
        release();
        pass(value);
      };
    work.then(settled(resolve), settled(reject));
    if (signal?.aborted) onAbort();
  });
}
