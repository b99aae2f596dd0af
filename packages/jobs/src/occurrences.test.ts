import { describe, expect, it } from '@jest/globals';
import { Occurrences } from './occurrences.js';

const berlin = (cron: string) => new Occurrences({ cron, timeZone: 'Europe/Berlin' });

function times(occurrences: Occurrences, from: string, count: number): string[] {
  const found: Date[] = [new Date(from)];
  for (let index = 0; index < count; index += 1) found.push(occurrences.after(found[index] ?? new Date(from)));
  return found.slice(1).map((time) => time.toISOString());
}

/** From before to after changes of clocks. */
const CHANGES = [
  ['2026-03-20T12:00:00Z', '2026-04-09T12:34:56Z'],
  ['2026-08-30T12:00:00Z', '2026-09-10T12:34:56Z'],
  ['2026-10-01T12:00:00Z', '2026-10-25T01:34:56Z'],
] as const;

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

  it('several times in an hour are left out and repeated like one', () => {
    expect(times(berlin('*/15 2 * * *'), '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:00:00.000Z',
    ]);
    expect(times(berlin('*/15 2,3 * * *'), '2026-10-25T00:20:00Z', 3)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-25T00:45:00.000Z',
      '2026-10-25T02:00:00.000Z',
    ]);
  });

  it('each hour is each hour, over both changes', () => {
    for (const day of ['2026-03-28T22:30:00Z', '2026-10-24T22:30:00Z']) {
      const all = times(berlin('30 * * * *'), day, 6).map((time) => Date.parse(time));
      expect(all.slice(1).map((time, index) => time - (all[index] ?? 0))).toEqual(Array(5).fill(3_600_000));
    }
  });

  it('tells the latest of those that passed, how many there were, and the next one', () => {
    const occurrences = new Occurrences({ cron: '0 9 * * *', timeZone: '' });
    const missed = occurrences.missed(new Date('2026-01-01T09:00:00Z'), new Date('2026-01-04T08:59:59Z'));
    expect(missed).toEqual({
      latest: new Date('2026-01-03T09:00:00Z'),
      count: 3,
      next: new Date('2026-01-04T09:00:00Z'),
    });
  });

  it('counts all that passed in a year', () => {
    const missed = berlin('* * * * *').missed(new Date('2025-01-01T00:00:00Z'), new Date('2026-01-01T00:00:30Z'));
    expect(missed).toEqual({
      latest: new Date('2026-01-01T00:00:00Z'),
      count: 365 * 1_440 + 1,
      next: new Date('2026-01-01T00:01:00Z'),
    });
  });

  it.each(['*/15 2 * * *', '30 0-22/3 * * *', '*/20 23,0,1 1-28 * MON-FRI', '0 * * * *', '30 2 1 * *'])(
    'counts those of %s that it gives, over both changes',
    (cron) => {
      for (const timeZone of ['Europe/Berlin', 'America/Santiago', 'Australia/Lord_Howe']) {
        const occurrences = new Occurrences({ cron, timeZone });
        for (const [from, to] of CHANGES) {
          const first = occurrences.after(new Date(from));
          const all = [first];
          for (let next = occurrences.after(first); next <= new Date(to); next = occurrences.after(next))
            all.push(next);
          expect(occurrences.missed(first, new Date(to))).toMatchObject({ count: all.length, latest: all.at(-1) });
        }
      }
    },
  );
});
