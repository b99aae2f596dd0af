import { describe, expect, it } from '@jest/globals';
import { ManualClock } from './manual-clock.js';
import { seededRandom } from './seeded-random.js';

describe('the manual clock', () => {
  it('runs due timers in the order of time, then of setting', async () => {
    const clock = new ManualClock(0);
    const fired: string[] = [];
    for (const [name, delayMs] of [
      ['c', 5],
      ['a', 1],
      ['d', 5],
      ['b', 2],
      ['never', 11],
    ] as const) {
      clock.setTimer(delayMs, () => fired.push(`${name} at ${clock.now()}`));
    }
    await clock.advance(10);
    expect(fired).toEqual(['a at 1', 'b at 2', 'c at 5', 'd at 5']);
    expect([clock.now(), clock.timers]).toEqual([10, 1]);
  });

  it('runs the promises that a callback settles before the next callback, however long the chain', async () => {
    const clock = new ManualClock(0);
    const steps: string[] = [];
    const chain = async () => {
      for (let turn = 0; turn < 100; turn += 1) await undefined;
      clock.setTimer(1, () => steps.push(`chained at ${clock.now()}`));
    };
    clock.setTimer(1, () => void chain());
    clock.setTimer(3, () => steps.push(`later at ${clock.now()}`));
    await clock.advance(5);
    expect(steps).toEqual(['chained at 2', 'later at 3']);
  });

  it('has a wall clock that advances with it, and can be set', async () => {
    const clock = new ManualClock(0);
    await clock.advance(5);
    expect(clock.wall.now()).toEqual(new Date(5));
    clock.wall.set(new Date('2028-02-29T23:59:59.999Z'));
    expect(clock.now()).toBe(5);
    await clock.advance(1);
    expect(clock.wall.now()).toEqual(new Date('2028-03-01T00:00:00Z'));
  });

  it.each([1, 2, 3])('never runs a cancelled timer, seed %i', async (seed) => {
    const random = seededRandom(seed);
    const clock = new ManualClock(0);
    const fired: number[] = [];
    const set = Array.from({ length: 500 }, (_, index) => {
      const at = Math.floor(random.next() * 100);
      return { index, at, timer: clock.setTimer(at, () => fired.push(index)) };
    });
    const kept = set.filter(({ timer }) => {
      const cancelled = random.next() < 0.5;
      if (cancelled) timer.cancel();
      return !cancelled;
    });
    expect(clock.timers).toBe(kept.length);
    await clock.advance(100);
    kept.sort((one, other) => one.at - other.at || one.index - other.index);
    expect(fired).toEqual(kept.map(({ index }) => index));
    expect(clock.timers).toBe(0);
  });
});
