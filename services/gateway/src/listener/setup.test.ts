import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/rpc/testing';
import { createTimeouts } from './setup.js';

describe('deadlines', () => {
  it('expire once, at most a tick late', async () => {
    const clock = new ManualClock();
    const expireAfter = createTimeouts(clock, 10);
    const expired: string[] = [];
    expireAfter(25, () => expired.push('first'));
    expireAfter(45, () => expired.push('second'));
    await clock.advance(24);
    expect(expired).toEqual([]);
    await clock.advance(11);
    expect(expired).toEqual(['first']);
    await clock.advance(100);
    expect(expired).toEqual(['first', 'second']);
  });

  it('that are cancelled never expire, and keep no timer', async () => {
    const clock = new ManualClock();
    const expireAfter = createTimeouts(clock, 10);
    const expired: string[] = [];
    expireAfter(25, () => expired.push('expired')).cancel();
    await clock.advance(100);
    expect([expired, clock.timers]).toEqual([[], 0]);
  });

  it('may be cancelled by one that expires with it', async () => {
    const clock = new ManualClock();
    const expireAfter = createTimeouts(clock, 10);
    const expired: string[] = [];
    expireAfter(5, () => {
      expired.push('first');
      second.cancel();
    });
    const second = expireAfter(5, () => expired.push('second'));
    await clock.advance(100);
    expect([expired, clock.timers]).toEqual([['first'], 0]);
  });

  it('may be set by one that expires', async () => {
    const clock = new ManualClock();
    const expireAfter = createTimeouts(clock, 10);
    const expired: string[] = [];
    expireAfter(5, () => expireAfter(5, () => expired.push('second')));
    await clock.advance(10);
    expect(expired).toEqual([]);
    await clock.advance(10);
    expect(expired).toEqual(['second']);
  });
});
