import { type Clock, sleep } from '@rondo/rpc/clock';

/** The clock of timeouts, and a signal that cancels. */
export interface Asking {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Runs `work` with a signal that aborts with the caller's, and after a time by the clock of the command.
 *
 * @throws what `work` throws; if its time is over, the error that `late` makes.
 */
export async function within<T>(
  timeoutMs: number,
  { clock, signal }: Asking,
  { work, late }: { readonly work: (signal: AbortSignal) => Promise<T>; readonly late?: () => Error },
): Promise<T> {
  const over = new AbortController();
  const timer = clock.setTimer(timeoutMs, () => over.abort());
  try {
    return await work(AbortSignal.any([signal, over.signal]));
  } catch (error) {
    throw over.signal.aborted && !signal.aborted && late !== undefined ? late() : error;
  } finally {
    timer.cancel();
  }
}

/** Waits so long by the clock; false if the signal ends the wait. */
export const pause = (timeMs: number, { clock, signal }: Asking): Promise<boolean> =>
  sleep(clock, timeMs, signal).then(
    () => true,
    (error) => {
      if (signal.aborted) return false;
      throw error;
    },
  );
