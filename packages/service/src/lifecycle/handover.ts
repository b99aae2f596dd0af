import { withTimeout } from '@rondo/base';
import { type Clock, sleep } from '@rondo/rpc/clock';
import type { Readiness, State } from '../state.js';
import { isInUse, StartupError } from './startup-error.js';

/** The limits of a start in the place of another process. */
export interface Handover {
  readonly clock: Clock;
  /** 0: there is no other process. */
  readonly timeoutMs: number;
}

/** How often a process tries to listen while the other one has the port. */
const RETRY_MS = 20;

/** Calls `bind`, and calls it again while the port is in use: the other process is about to close it. */
export async function whenFree<T>(bind: () => Promise<T>, { clock, timeoutMs }: Handover): Promise<T> {
  const endsAt = clock.now() + timeoutMs;
  for (;;) {
    try {
      return await bind();
    } catch (error) {
      if (clock.now() >= endsAt || !isInUse(error)) throw error;
    }
    await sleep(clock, RETRY_MS);
  }
}

/**
 * Waits until all parts have started, as the other process serves meanwhile.
 *
 * @throws StartupError that names those that haven't, or of the one that never can.
 */
export async function untilStarted(
  started: Promise<void>,
  readiness: State<Readiness>,
  limit: Parameters<typeof withTimeout>[1],
): Promise<void> {
  try {
    await withTimeout(() => started, limit);
  } catch (cause) {
    if (cause instanceof StartupError) throw cause;
    const away = readiness.current.waitingFor.join(', ');
    throw new StartupError(`no answer from ${away} within ${limit.timeoutMs} ms; the log has the reason`, { cause });
  }
}
