import type { Clock } from '@rondo/rpc/clock';

/** How long somebody waits. */
export interface WaitOptions {
  readonly timeoutMs: number;
  /** Ends the wait early. */
  readonly signal?: AbortSignal | undefined;
}

/** Those who wait for something to become true. */
export class Waiters {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves once `isTrue`, or when the time is up: whoever waits looks for itself. */
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

  /** Something may have become true. */
  notify(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** Nobody waits any more. */
  close(): void {
    this.#closed = true;
    this.notify();
  }
}
