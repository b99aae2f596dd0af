import { describe, expect, it } from '@jest/globals';
import { readDate, toDateMessage } from './calendar-date.js';

const unexpected = (fault: string) => {
  throw new Error(fault);
};

describe('dates', () => {
  it.each([
    ['2024-02-29', { year: 2024, month: 2, day: 29 }],
    ['2000-02-29', { year: 2000, month: 2, day: 29 }],
    ['0001-01-01', { year: 1, month: 1, day: 1 }],
    ['9999-12-31', { year: 9999, month: 12, day: 31 }],
  ])('%s is a day', (date, { year, month, day }) => {
    expect(readDate(unexpected, { year, month, day })).toBe(date);
    expect(toDateMessage(date)).toEqual({ year, month, day });
  });

  it.each([
    [2023, 2, 29],
    [1900, 2, 29],
    [2025, 4, 31],
    [2025, 13, 1],
    [2025, 1, 0],
    [0, 1, 1],
    [10_000, 1, 1],
    [2025, 0, 0],
  ])('%d-%d-%d is none', (year, month, day) => {
    const faults: string[] = [];
    expect(readDate((fault) => faults.push(fault), { year, month, day })).toBeUndefined();
    expect(faults).toEqual([`must be a day of the years 1 to 9999; it is year ${year}, month ${month}, day ${day}`]);
  });
});

it('is none where none is set', () => {
  expect(readDate(unexpected, undefined)).toBeUndefined();
  expect(toDateMessage(undefined)).toBeUndefined();
});
