import { describe, expect, it } from '@jest/globals';
import { Histogram } from './histogram.js';

describe('Histogram', () => {
  it('has no quantile of nothing', () => {
    expect(new Histogram().quantileMs(0.5)).toBeUndefined();
  });

  it.each([0.01, 0.5, 0.9, 0.99, 1])('finds the quantile %d of a thousand durations to 1 %', (share) => {
    const histogram = new Histogram();
    for (let durationMs = 1; durationMs <= 1_000; durationMs += 1) histogram.record(durationMs);
    const exact = share * 1_000;
    const found = histogram.quantileMs(share) ?? 0;
    expect(Math.abs(found - exact) / exact).toBeLessThanOrEqual(0.01);
  });

  it('is exact for a single duration, however short or long', () => {
    for (const durationMs of [0, 0.0004, 0.7, 3, 10 ** 12]) {
      const histogram = new Histogram();
      histogram.record(durationMs);
      expect(histogram.quantileMs(0.99)).toBeLessThanOrEqual(durationMs);
      expect(histogram.quantileMs(0.99)).toBeGreaterThanOrEqual(Math.min(durationMs * 0.99, 86_400_000));
    }
  });

  it('counts one slow call in a hundred from the 99th percentile on', () => {
    const histogram = new Histogram();
    for (let call = 0; call < 98; call += 1) histogram.record(1);
    histogram.record(500);
    histogram.record(500);
    expect(histogram.quantileMs(0.98)).toBeLessThan(1.02);
    expect(histogram.quantileMs(0.99)).toBeGreaterThan(490);
  });
});
