import type { Clock, Random, Timer } from '@rondo/rpc/clock';

/** Limits of a piece of work. */
export interface TimeoutOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
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

/** A sleep for one loop that another part of the process can interrupt. */
interface Pause {
  /** Sleeps for `delayMs`, or until `wake` is called. Returns at once if `wake` was called since the last wait. */
  wait(delayMs: number): Promise<void>;
  /** Ends the current wait; without a current wait, the next one. */
  wake(): void;
}

export function createPause(clock: Clock): Pause {
  let woken = false;
  let end: (() => void) | undefined;
  return {
    wait: (delayMs) =>
      new Promise<void>((resolve) => {
        let timer: Timer | undefined;
        end = () => {
          woken = false;
          end = undefined;
          timer?.cancel();
          resolve();
        };
        if (woken) end();
        else timer = clock.setTimer(delayMs, end);
      }),
    wake() {
      woken = true;
      end?.();
    },
  };
}

/** Bounds of the delays, in milliseconds. */
interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  readonly random: Random;
}

/** Growing delays between tries. */
export interface Backoff {
  /** The delay after one more failure, in milliseconds. */
  nextMs(): number;
  /** Starts again from the first delay, after a success. */
  reset(): void;
}

/**
 * Exponential backoff with full jitter: clients that failed at the same time don't retry at the same time.
 *
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function createBackoff({ baseMs, maxMs, random }: BackoffOptions): Backoff {
  let failures = 0;
  return {
    nextMs: () => random.next() * Math.min(maxMs, baseMs * 2 ** failures++),
    reset() {
      failures = 0;
    },
  };
}
