import { describe, expect, it } from '@jest/globals';
import { Firings } from './firings.js';

const berlin = (cron: string) => new Firings({ cron, timeZone: 'Europe/Berlin' });

function times(firings: Firings, from: string, count: number): string[] {
  const found: Date[] = [new Date(from)];
  for (let index = 0; index < count; index += 1) found.push(firings.after(found[index] ?? new Date(from)));
  return found.slice(1).map((time) => time.toISOString());
}

describe('the times of a schedule', () => {
  it('a time that the change to summer time leaves out comes right after it, once', () => {
    expect(times(berlin('30 2 * * *'), '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
  });

  it('of a time that the change back repeats, the first counts', () => {
    expect(times(berlin('30 2 * * *'), '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
  });

  it('each hour is each hour, over both changes', () => {
    for (const day of ['2026-03-28T22:30:00Z', '2026-10-24T22:30:00Z']) {
      const all = times(berlin('30 * * * *'), day, 6).map((time) => Date.parse(time));
      expect(all.slice(1).map((time, index) => time - (all[index] ?? 0))).toEqual(Array(5).fill(3_600_000));
    }
  });

  it('tells the latest of those that passed, how many there were, and the next one', () => {
    const firings = new Firings({ cron: '0 9 * * *', timeZone: '' });
    const missed = firings.missed(new Date('2026-01-01T09:00:00Z'), new Date('2026-01-04T08:59:59Z'));
    expect(missed).toEqual({
      latest: new Date('2026-01-03T09:00:00Z'),
      count: 3,
      next: new Date('2026-01-04T09:00:00Z'),
    });
  });

  it('counts no more than 1,000, however long the pause was', () => {
    const firings = new Firings({ cron: '* * * * *', timeZone: 'UTC' });
    const missed = firings.missed(new Date('2025-01-01T00:00:00Z'), new Date('2026-01-01T00:00:30Z'));
    expect(missed).toEqual({
      latest: new Date('2026-01-01T00:00:00Z'),
      count: 1_000,
      next: new Date('2026-01-01T00:01:00Z'),
    });
  });
});
