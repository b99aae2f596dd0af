import { describe, expect, it } from '@jest/globals';
import { quantiles } from '../report/figures.mjs';
import { failedShare, leftOutAfter, unevenness } from './statistics.mjs';

describe('unevenness', () => {
  it('is the largest distance from the mean, by the mean', () => {
    expect(unevenness([90, 100, 110])).toBeCloseTo(0.1);
    expect(unevenness([0, 150, 150])).toBe(1);
  });
});

describe('quantiles', () => {
  it('are values that occurred, by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(quantiles(hundred)).toEqual({ p50: 50, p99: 99, max: 100 });
  });
});

describe('failedShare', () => {
  it('counts whatever is not OK', () => {
    expect(failedShare([{ code: 'OK' }, { code: 'INTERNAL' }, { code: 'OK' }, { code: 'UNAVAILABLE' }])).toBe(0.5);
  });
});

describe('leftOutAfter', () => {
  const every = (ms: number, to: number, instance: string) =>
    Array.from({ length: Math.ceil(to / ms) }, (_, index) => ({ at: index * ms, instance }));

  it('is the time of the last call before a second with one probe at the most', () => {
    const calls = [...every(10, 5_000, 'a'), ...every(100, 801, 'c'), { at: 1_500, instance: 'c' }];
    expect(leftOutAfter(calls, 0, { instance: 'c' })).toBeCloseTo(800, 0);
  });

  it('is never where calls go on', () => {
    const calls = [...every(10, 5_000, 'a'), ...every(300, 5_000, 'c')];
    expect(leftOutAfter(calls, 0, { instance: 'c' })).toBeUndefined();
  });
});
