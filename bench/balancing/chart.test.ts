import { describe, expect, it } from '@jest/globals';
import { balancingChart, seriesOf } from './chart.mjs';

const SECONDS = 40;
/** A call each 4 ms, in turn to a and b; b takes 100 ms from the 20th second on. */
const calls = Array.from({ length: SECONDS * 250 }, (_, index) => {
  const instance = index % 2 === 0 ? 'a' : 'b';
  return { at: 1_000 + index * 4, instance, tookMs: instance === 'b' && index >= 5_000 ? 100 : 10 };
});
const options = { origin: 1_000, instances: ['a', 'b'], seconds: SECONDS };

describe('seriesOf', () => {
  it('gives a point a second: shares of each, and the p99 of all', () => {
    const { shares, p99 } = seriesOf(calls, options);
    expect(shares.map(({ label }) => label)).toEqual(['a', 'b']);
    expect(shares[0]?.points).toHaveLength(SECONDS);
    expect(shares[0]?.points[0]).toEqual([0.5, 50]);
    expect([p99[19], p99[20]]).toEqual([
      [19.5, 10],
      [20.5, 100],
    ]);
  });

  it('has no point where there was no call', () => {
    const { p99 } = seriesOf([{ at: 3_200, instance: 'a', tookMs: 1 }], options);
    expect(p99).toEqual([[2.5, 1]]);
  });
});

describe('balancingChart', () => {
  const events = [{ at: 20, label: 'b 10 × slower' }];
  const draw = () => balancingChart('two', { seconds: SECONDS, ...seriesOf(calls, options), events });

  it('draws a line for each instance and one for the times, with legend, axis and events', () => {
    const drawn = draw();
    expect(drawn.match(/<polyline/g)).toHaveLength(3);
    for (const text of ['>a<', '>b<', '>40 s<', '>b 10 × slower<', '>share of calls, %<', '>p99, ms<']) {
      expect(drawn).toContain(text);
    }
    expect(drawn).toContain('prefers-color-scheme:dark');
  });

  it('draws the same each time, in under 30 KB, without a font of its own', () => {
    expect(draw()).toBe(draw());
    expect(draw().length).toBeLessThan(30_000);
    expect(draw()).not.toMatch(/@font-face|url\(/);
  });

  it('keeps every point within the picture', () => {
    const numbers = [...draw().matchAll(/points="([^"]*)"/g)].flatMap(([, points = '']) =>
      points.split(/[ ,]/).map(Number),
    );
    expect(numbers.every((value) => value >= 0 && value <= 640)).toBe(true);
  });
});
