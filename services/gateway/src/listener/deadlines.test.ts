import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/rpc/testing';
import { createDeadlines } from './deadlines.js';

describe('deadlines', () => {
  it('expire once, at most a tick late', async () => {
    const clock = new ManualClock();
    const deadlines = createDeadlines(clock, 10);
    const expired: string[] = [];
    deadlines.set(25, () => expired.push('first'));
    deadlines.set(45, () => expired.push('second'));
    await clock.advance(24);
    expect(expired).toEqual([]);
    await clock.advance(11);
    expect(expired).toEqual(['first']);
    await clock.advance(100);
    expect(expired).toEqual(['first', 'second']);
  });

  it('that are cancelled never expire, and keep no timer', async () => {
    const clock = new ManualClock();
    const deadlines = createDeadlines(clock, 10);
    const expired: string[] = [];
    deadlines.set(25, () => expired.push('expired')).cancel();
    await clock.advance(100);
    expect([expired, deadlines.size, clock.timers]).toEqual([[], 0, 0]);
  });

  it('may be cancelled by one that expires with it', async () => {
    const clock = new ManualClock();
    const deadlines = createDeadlines(clock, 10);
    const expired: string[] = [];
    deadlines.set(5, () => {
      expired.push('first');
      second.cancel();
    });
    const second = deadlines.set(5, () => expired.push('second'));
    await clock.advance(100);
    expect([expired, deadlines.size]).toEqual([['first'], 0]);
  });

  it('may be set by one that expires', async () => {
    const clock = new ManualClock();
    const deadlines = createDeadlines(clock, 10);
    const expired: string[] = [];
    deadlines.set(5, () => deadlines.set(5, () => expired.push('second')));
    await clock.advance(10);
    expect(expired).toEqual([]);
    await clock.advance(10);
    expect(expired).toEqual(['second']);
  });
});
