import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { ResetPacer } from './reset-pacer.js';

/** The limits of nghttp2, which closes a connection at the first reset beyond them. */
const SERVER_BURST = 1_000;
const SERVER_PER_SECOND = 33;

describe('the pace of resets', () => {
  it('stays within the limits of a server, however many resets there are', async () => {
    const clock = new ManualClock();
    const pacer = new ResetPacer(clock);
    const startedAt = clock.now();
    let resets = 0;
    for (let second = 0; second < 60; second += 1) {
      for (let index = 0; index < 200; index += 1) {
        pacer.pace(() => {
          resets += 1;
        });
      }
      await clock.advance(1_000);
      const elapsedS = (clock.now() - startedAt) / 1_000;
      expect(resets).toBeLessThanOrEqual(SERVER_BURST + SERVER_PER_SECOND * elapsedS);
    }
    expect(resets).toBeGreaterThan(1_000);
  });

  it('drops calls that have ended while they waited', async () => {
    const clock = new ManualClock();
    const pacer = new ResetPacer(clock);
    const resets: number[] = [];
    const withdrawals = Array.from({ length: 600 }, (_, index) => pacer.pace(() => resets.push(index)));
    expect(resets).toHaveLength(500);
    for (const withdraw of withdrawals) withdraw();
    expect(clock.timers).toBe(0);
    await clock.advance(60_000);
    expect(resets).toHaveLength(500);
  });

  it('says so once a quarter of the burst is left', () => {
    let warnings = 0;
    const pacer = new ResetPacer(new ManualClock(), () => (warnings += 1));
    for (let index = 0; index < 375; index += 1) pacer.pace(() => undefined);
    expect(warnings).toBe(0);
    pacer.pace(() => undefined);
    expect(warnings).toBe(1);
  });

  it('allows a burst again after a pause', async () => {
    const clock = new ManualClock();
    const pacer = new ResetPacer(clock);
    const burst = () => {
      let resets = 0;
      const withdrawals = Array.from({ length: 600 }, () => pacer.pace(() => (resets += 1)));
      const atOnce = resets;
      for (const withdraw of withdrawals) withdraw();
      return atOnce;
    };
    expect(burst()).toBe(500);
    expect(burst()).toBe(0);
    await clock.advance(10 * 60_000);
    expect(burst()).toBe(500);
  });
});
