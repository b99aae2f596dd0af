import { DatabaseUnavailable } from './errors.js';

/** Limits of a wait; `timeoutMs` 0 means no limit. */
export interface Bounds {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  /** How long an aborted wait goes on, because what is awaited may end by itself; default 0. */
  readonly abortGraceMs?: number | undefined;
}

/**
 * Settles as `work` does, but rejects when the signal aborts (with its reason) or the time is over. If `work` hasn't ended by then, it
 * first calls `giveUp` once, to release what `work` still holds.
 */
export function withBounds<T>(work: Promise<T>, bounds: Bounds, giveUp: () => void): Promise<T> {
  const { signal, timeoutMs = 0, abortGraceMs = 0 } = bounds;
  return new Promise((resolve, reject) => {
    const abandon = (reason: unknown): void => {
      release();
      giveUp();
      reject(reason);
    };
    let grace: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      const end = (): void => abandon(signal?.reason);
      if (abortGraceMs > 0) grace = setTimeout(end, abortGraceMs);
      else end();
    };
    const onTimeout = (): void => abandon(new DatabaseUnavailable(`PostgreSQL gave no answer within ${timeoutMs} ms`));
    const timer = timeoutMs > 0 ? setTimeout(onTimeout, timeoutMs) : undefined;
    const release = (): void => {
      clearTimeout(timer);
      clearTimeout(grace);
      signal?.removeEventListener('abort', onAbort);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const settled =
      <V>(pass: (value: V) => void) =>
      (value: V): void => {
        release();
        if (signal?.aborted) reject(signal.reason);
        else pass(value);
      };
    work.then(settled(resolve), settled(reject));
    if (signal?.aborted) onAbort();
  });
}
