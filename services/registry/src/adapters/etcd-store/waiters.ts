import type { Clock } from '@rondo/rpc/clock';

/** How long to wait. */
export interface WaitOptions {
  readonly timeoutMs: number;
  /** Aborts the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** Calls that wait for a condition to become true. */
export class Waiters {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves once `isTrue` holds, or at the timeout: the caller must check which. */
  until(isTrue: () => boolean, { timeoutMs, signal }: WaitOptions): Promise<void> {
    if (isTrue() || this.#closed || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = () => {
        this.#waiting.delete(look);
        timer.cancel();
        signal?.removeEventListener('abort', settle);
        resolve();
      };
      const look = () => {
        if (this.#closed || isTrue()) settle();
      };
      const timer = this.#clock.setTimer(timeoutMs, settle);
      signal?.addEventListener('abort', settle, { once: true });
      this.#waiting.add(look);
    });
  }

  /** Checks all conditions again. */
  notify(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** Ends all waits. */
  close(): void {
    this.#closed = true;
    this.notify();
  }
}
