import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { systemClock } from './system.js';

const DAY_MS = 86_400_000;

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe("the machine's clock", () => {
  it('supports waits longer than the 24.8 days of a Node timer', () => {
    const fired = jest.fn();
    systemClock.setTimer(60 * DAY_MS, fired);
    jest.advanceTimersByTime(60 * DAY_MS - 1);
    expect(fired).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(fired).toHaveBeenCalledTimes(1);
  });

  it('cancels such a wait, also in its second part, and supports an infinite wait', () => {
    const fired = jest.fn();
    const cancelled = systemClock.setTimer(60 * DAY_MS, fired);
    systemClock.setTimer(Number.POSITIVE_INFINITY, fired);
    jest.advanceTimersByTime(30 * DAY_MS);
    cancelled.cancel();
    jest.advanceTimersByTime(90 * DAY_MS);
    expect(fired).not.toHaveBeenCalled();
    expect(jest.getTimerCount()).toBe(1);
  });
});
