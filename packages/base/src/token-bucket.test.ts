import { describe, expect, it } from '@jest/globals';
import { ManualClock } from './testing/manual-clock.js';
import { TokenBucket } from './token-bucket.js';

function start() {
  const clock = new ManualClock();
  const bucket = new TokenBucket({ clock, burst: 3, intervalMs: 100 });
  const takeAll = () => {
    let taken = 0;
    while (bucket.take()) taken += 1;
    return taken;
  };
  return { clock, bucket, takeAll };
}

describe('a token bucket', () => {
  it('gives its burst at once, and then one token in each interval', async () => {
    const { clock, takeAll } = start();
    expect(takeAll()).toBe(3);
    await clock.advance(99);
    expect(takeAll()).toBe(0);
    await clock.advance(1);
    expect(takeAll()).toBe(1);
    await clock.advance(250);
    expect(takeAll()).toBe(2);
    await clock.advance(50);
    expect(takeAll()).toBe(1);
  });

  it('never holds more than its burst', async () => {
    const { clock, bucket, takeAll } = start();
    await clock.advance(10_000);
    expect(bucket.tokens).toBe(3);
    expect(takeAll()).toBe(3);
    expect(bucket.tokens).toBe(0);
  });
});
