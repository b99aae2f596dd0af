import { describe, expect, it } from '@jest/globals';
import { createPace } from './pacing.mjs';

describe('createPace', () => {
  it('gives each call the time at which it was due, however late it is asked', () => {
    const pace = createPace(100, 1_000);
    expect(pace.take(1_000)).toEqual([1_000]);
    expect(pace.take(1_005)).toEqual([]);
    expect(pace.take(1_032)).toEqual([1_010, 1_020, 1_030]);
    expect(pace.nextAt).toBe(1_040);
  });

  it('does not make up for what a standstill of its own kept it from making, and tells how much that was', () => {
    const pace = createPace(100, 0);
    pace.take(0);
    const due = pace.take(500);
    expect(due).toHaveLength(6);
    expect(due.at(-1)).toBe(500);
    expect(pace.skipped).toBe(44);
  });

  it('gives no more than are wanted, and the others later', () => {
    const pace = createPace(1_000, 0);
    expect(pace.take(9, 4)).toEqual([0, 1, 2, 3]);
    expect(pace.take(9, 4)).toEqual([4, 5, 6, 7]);
  });

  it('keeps its rate to the call over a long time', () => {
    const pace = createPace(300, 0);
    let made = 0;
    for (let now = 0; now < 10_000; now += 7) made += pace.take(now).length;
    expect(made).toBe(2_999);
  });
});
