import type { Clock, Timer, Random } from '@rondo/rpc/clock';

/** How work is bounded. */
export interface TimeoutOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Ends the work early. */
  readonly signal?: AbortSignal;
}

/**
 * Runs `work`, and stops waiting for it once the time is up or the signal aborts, whether it listens or not: the
 * signal that it is given aborts then, and the promise rejects with the same reason.
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

/** The waits of one loop: each ends in time, or early when somebody has news for the loop. */
interface Pause {
  /** Waits `delayMs`, or until it is woken; not at all where it was woken since the last wait. */
  wait(delayMs: number): Promise<void>;
  /** Ends the wait that is on, or else the next. */
  wake(): void;
}

/** Makes the waits of one loop. */
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

/** How waits between tries grow. Milliseconds. */
interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  readonly random: Random;
}

/** Growing waits between tries. */
export interface Backoff {
  /** The wait after one more failure. */
  nextMs(): number;
  /** Starts again, after a success. */
  reset(): void;
}

/**
 * Exponential backoff with full jitter: so that those who failed together don't come back together.
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
