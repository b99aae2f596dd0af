import { setTimeout as sleep } from 'node:timers/promises';
import { ManualClock } from '@rondo/rpc/testing';

/** More than any time that a client is granted. */
const LATER_MS = 120_000;

/** A clock that goes with the machine's, and how to put it forward, until `condition` holds. */
export function startClock() {
  const clock = new ManualClock();
  let aheadMs = 0;
  const go = async () => {
    for (let last = performance.now(); ; ) {
      await sleep(20);
      const now = performance.now();
      const passedMs = now - last + aheadMs;
      [last, aheadMs] = [now, 0];
      await clock.advance(passedMs);
    }
  };
  void go();
  const later = async (condition) => {
    aheadMs = LATER_MS;
    while (!condition()) await sleep(20);
  };
  return { clock, later };
}
