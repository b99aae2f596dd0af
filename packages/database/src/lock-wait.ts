import { KeyInUse, LockTimeout, TooManyCalls } from './errors.js';
import { FairSemaphore } from './fair-semaphore.js';
import type { TransactionOptions } from './sql.js';

/** A statement that waits for a lock keeps its connection for a twentieth of the whole wait, but at least for 100 ms. */
const SLICES = 20;
const MIN_SLICE_MS = 100;
const BRIEF_SLICE_MS = 20;
/** One of five connections is for work that has waited for a lock before. */
const CONNECTIONS_A_WAITER = 5;
const MAX_WAITING = 1_000;

/**
 * Waits for locks without a connection. Many calls that wait for one row would otherwise take all connections of a pool.
 *
 * The server ends a wait after `sliceMs`. The work then waits for its turn to run again, and few turns run at once.
 */
export class LockWaiter {
  /** The server's `lock_timeout`, in milliseconds. */
  readonly sliceMs: number;
  /** The whole wait, in milliseconds; 0 if work isn't run again. */
  readonly timeoutMs: number;
  readonly #semaphore: FairSemaphore;
  #waiting = 0;

  constructor(timeoutMs: number, maxConnections: number) {
    this.timeoutMs = timeoutMs;
    this.sliceMs = Math.min(timeoutMs, Math.max(MIN_SLICE_MS, Math.trunc(timeoutMs / SLICES)));
    const maxRunning = Math.max(1, Math.trunc(maxConnections / CONNECTIONS_A_WAITER));
    this.#semaphore = new FairSemaphore({ maxRunning, maxWaiting: MAX_WAITING });
  }

  /**
   * Runs `work`, and repeats it while it doesn't get a lock, until the time is over. Work that may run only once,
   * or has no timeouts, isn't run again.
   *
   * @throws LockTimeout or KeyInUse
   */
  async run<T>(work: (sliceMs?: number) => Promise<T>, options: TransactionOptions): Promise<T> {
    const { signal, caller, attempts, statementTimeoutMs, outageWait, onStall } = options;
    if (attempts === 1 || statementTimeoutMs === 0) return await work();
    let giveUpAt: number | undefined;
    let locked: unknown;
    // While others wait, most new work may be for the same row.
    let run = () => (this.#waiting > 0 ? work(BRIEF_SLICE_MS) : work());
    for (;;) {
      try {
        return await run();
      } catch (error) {
        if (locked !== undefined && error instanceof TooManyCalls) throw locked;
        if (!(error instanceof LockTimeout || error instanceof KeyInUse)) throw error;
        locked = error;
      }
      onStall?.();
      giveUpAt ??= performance.now() + Math.max(this.timeoutMs, outageWait?.timeoutMs ?? 0) - this.sliceMs;
      const waitTimeoutMs = giveUpAt - performance.now();
      if (waitTimeoutMs <= 0) throw locked;
      run = () => {
        this.#waiting += 1;
        const waited = this.#semaphore.run(() => work(), { signal, caller, waitTimeoutMs });
        return waited.finally(() => (this.#waiting -= 1));
      };
    }
  }
}
