import { sleep, systemClock } from '../../src/clock/index.js';

const POLL_MS = 10;

/** Resolves once `condition` holds; rejects where it doesn't within `timeoutMs`. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const deadline = systemClock.now() + timeoutMs;
  while (!(await condition())) {
    if (systemClock.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${condition}`);
    await sleep(systemClock, POLL_MS);
  }
}

/** The value that `read` comes to rest at: the same for `restMs`. */
export async function atRest(read: () => number, restMs = 150): Promise<number> {
  for (let before = read(); ; before = read()) {
    await sleep(systemClock, restMs);
    if (read() === before) return before;
  }
}
