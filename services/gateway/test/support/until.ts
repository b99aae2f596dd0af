import { sleep, systemClock } from '@rondo/rpc/clock';

const POLL_MS = 5;
/** A bound on what hangs, and no measure of anything. */
const TIMEOUT_MS = 540_000;

/** Resolves once `condition` holds. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = systemClock.now() + TIMEOUT_MS;
  while (!condition()) {
    if (systemClock.now() > deadline) throw new Error(`not within ${TIMEOUT_MS} ms: ${condition}`);
    await sleep(systemClock, POLL_MS);
  }
}
