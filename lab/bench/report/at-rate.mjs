import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Calls at a rate, whether or not earlier calls have ended (an open loop). `call` gets its index, the time at which it was due, by
 * `performance.now()`, and how late it is, in milliseconds.
 */
export async function atRate(perSecond, count, call) {
  const beganAt = performance.now();
  for (let index = 0; index < count; index += 1) {
    const dueAt = beganAt + (index * 1_000) / perSecond;
    const aheadMs = dueAt - performance.now();
    if (aheadMs > 0) await sleep(aheadMs);
    call(index, dueAt, Math.max(0, -aheadMs));
  }
}
