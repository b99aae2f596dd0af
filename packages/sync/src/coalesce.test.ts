import { describe, expect, it } from '@jest/globals';
import { singleFlight, throttle } from './coalesce.js';
import type { SyncClock } from './options.js';

/** Work that ends when it is told to. */
function stoppedWork() {
  const runs: { end: () => void; fail: (error: Error) => void }[] = [];
  const work = () =>
    new Promise<void>((end, fail) => {
      runs.push({ end, fail });
    });
  return { runs, flight: singleFlight(work) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a single flight', () => {
  it('has all that asked meanwhile served by one run more, which began after they asked', async () => {
    const { runs, flight } = stoppedWork();
    const first = flight.run();
    const later = [flight.run(), flight.run(), flight.run()];
    await turn();
    expect(runs).toHaveLength(1);
    runs[0]?.end();
    await first;
    await turn();
    expect(runs).toHaveLength(2);
    runs[1]?.end();
    await Promise.all(later);
    await turn();
    expect(runs).toHaveLength(2);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'never has two under way, also when asked %i promises after an end',
    async (wait) => {
      const { runs, flight } = stoppedWork();
      const asked = [flight.run(), flight.run()];
      runs[0]?.end();
      for (let promise = 0; promise < wait; promise += 1) await Promise.resolve();
      asked.push(flight.run());
      await turn();
      expect(runs).toHaveLength(2);
      runs[1]?.end();
      await turn();
      runs[2]?.end();
      await Promise.all(asked);
    },
  );

  it('tells each the outcome of its own run, and goes on after a failure', async () => {
    const { runs, flight } = stoppedWork();
    const first = flight.run();
    const second = flight.run();
    runs[0]?.fail(new Error('away'));
    await expect(first).rejects.toThrow('away');
    await turn();
    runs[1]?.end();
    await second;
  });

  it('is idle when nothing runs and nothing follows', async () => {
    const { runs, flight } = stoppedWork();
    await flight.idle();
    const asked = [flight.run(), flight.run()];
    let idle = false;
    const waiting = flight.idle().then(() => {
      idle = true;
    });
    runs[0]?.end();
    await turn();
    expect(idle).toBe(false);
    runs[1]?.end();
    await Promise.all([...asked, waiting]);
  });
});

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
