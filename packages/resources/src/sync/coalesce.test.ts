import { describe, expect, it } from '@jest/globals';
import type { Clock } from '@rondo/rpc/clock';
import { singleFlight, throttle } from './coalesce.js';

/** Work that ends when the test says so. */
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
  it('serves all calls during a run by one more run, which starts after them', async () => {
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
    'never has two runs in progress, even for a call %i promises after an end',
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

  it('settles each call as its own run does, and continues after a failure', async () => {
    const { runs, flight } = stoppedWork();
    const first = flight.run();
    const second = flight.run();
    runs[0]?.fail(new Error('away'));
    await expect(first).rejects.toThrow('away');
    await turn();
    runs[1]?.end();
    await second;
  });

  it('is idle when no run is in progress or pending', async () => {
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

/** Records when work starts, with a clock that the test sets. */
function startWork() {
  let now = 0;
  const begun: number[] = [];
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  const clock: Clock = {
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

describe('throttled work', () => {
  it('starts at once if no start was recent', () => {
    const { begun, timers, passUntil, work } = startWork();
    work.request();
    passUntil(25);
    work.request();
    expect(begun).toEqual([0, 25]);
    expect(timers.size).toBe(0);
  });

  it('starts once for all requests within the interval, at its end', () => {
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

  it('starts pending work when it is flushed, and leaves no timer', () => {
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
