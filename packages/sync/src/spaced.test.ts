import { describe, expect, it } from '@jest/globals';
import type { SyncClock } from './clock.js';
import { throttle } from './spaced.js';

const EVERY_MS = 20;

/** When work began, at a time that the test sets. */
function startWork() {
  let now = 0;
  const begun: number[] = [];
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  const clock: SyncClock = {
    now: () => now,
    setTimer(delayMs, callback) {
      const timer = { at: now + delayMs, callback };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
  };
  const passUntil = (ms: number): void => {
    now = ms;
    for (const timer of [...timers].filter(({ at }) => at <= now)) {
      timers.delete(timer);
      timer.callback();
    }
  };
  return { begun, timers, passUntil, work: throttle(clock, EVERY_MS, () => begun.push(now)) };
}

describe('spaced work', () => {
  it('begins at once when nothing began lately', () => {
    const { begun, timers, passUntil, work } = startWork();
    work.request();
    passUntil(25);
    work.request();
    expect(begun).toEqual([0, 25]);
    expect(timers.size).toBe(0);
  });

  it('begins once for all that ask shortly after, and no later than so', () => {
    const { begun, passUntil, work } = startWork();
    for (const ms of [0, 1, 7, 19]) {
      passUntil(ms);
      work.request();
    }
    expect(begun).toEqual([0]);
    passUntil(20);
    expect(begun).toEqual([0, 20]);
    work.request();
    passUntil(40);
    expect(begun).toEqual([0, 20, 40]);
  });

  it('begins what waits when it is flushed, and leaves no timer', () => {
    const { begun, timers, passUntil, work } = startWork();
    work.flush();
    work.request();
    passUntil(5);
    work.request();
    work.flush();
    expect(begun).toEqual([0, 5]);
    expect(timers.size).toBe(0);
  });
});
