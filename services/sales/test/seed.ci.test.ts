import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { dayOf, formatDay, mondayOf, parseDay } from '../src/seed/calendar.js';
import { MEMBERS } from '../src/seed/company.js';
import { planOrders, planPastWeeks, planQuotes } from '../src/seed/deals.js';

const FRIDAY = 4;
const weekdayOf = (day: number) => day - mondayOf(day);

/** Each day of a year and more: every weekday, the ends of years of 53 and of 52 weeks, and a leap day. */
const days = (() => {
  const [from, to] = [parseDay('2026-12-21'), parseDay('2028-03-05')];
  if (from === undefined || to === undefined) throw new Error('no such days');
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
})();
const plans = new Map(days.map((today) => [today, { quotes: planQuotes(today), orders: planOrders(today) }]));
/** What is planned on one of the days. */
const plannedOn = (today: number) => plans.get(today) ?? { quotes: [], orders: [] };

function countBy(fates: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const fate of fates) counts[fate] = (counts[fate] ?? 0) + 1;
  return counts;
}

describe('what npm run seed plans', () => {
  it('is the same on every day', () => {
    const fatesOf = (today: number) => {
      const { quotes, orders } = plannedOn(today);
      return countBy([...quotes, ...orders].map(({ fate }) => fate));
    };
    const wednesday = fatesOf(days[2] ?? 0);
    expect(wednesday).toEqual({
      open: 25,
      withdrawn: 23,
      planned: 10,
      active: 13,
      done: 21,
      archived: 61,
      cancelled: 15,
      placed: 82,
    });
    expect(days.filter((today) => JSON.stringify(fatesOf(today)) !== JSON.stringify(wednesday)).map(formatDay)).toEqual(
      [],
    );
  });

  it('has dates on working days, none in the future, and no order before its quote', () => {
    const isWrong = (today: number) => {
      const { quotes: offers, orders } = plannedOn(today);
      const dated = [...offers, ...orders].map(({ day }) => day).concat(offers.map((one) => one.orderDay));
      const isRight = (day: number) => day <= today && day > today - 370 && weekdayOf(day) <= FRIDAY;
      return !dated.every(isRight) || offers.some(({ day, orderDay }) => orderDay < day);
    };
    expect(days.filter(isWrong).map(formatDay)).toEqual([]);
  });

  it('reserves only past weeks, and no more of a week than a member has', () => {
    const isWrong = (today: number) => {
      const weeks = planPastWeeks(plannedOn(today).quotes);
      const taken = new Map<string, bigint>();
      for (const { member, monday, minutes } of weeks) {
        const week = `${member} ${monday}`;
        taken.set(week, (taken.get(week) ?? 0n) + minutes);
        if ((taken.get(week) ?? 0n) > (MEMBERS[member]?.weeklyCapacityMinutes ?? 0n)) return true;
      }
      return weeks.some(({ monday }) => weekdayOf(monday) !== 0 || monday >= mondayOf(today));
    };
    expect(days.filter(isWrong).map(formatDay)).toEqual([]);
  });
});

describe('a day', () => {
  it.each(['2024-02-29', '2026-12-31', '2027-01-01', '1969-12-31'])('%s is read and written alike', (text) => {
    const day = parseDay(text);
    expect(formatDay(day ?? 0)).toBe(text);
    expect(dayOf(new Date(`${text}T23:59:59.999Z`))).toBe(day);
  });

  it.each([
    ['2026-11-22', '2026-11-16'],
    ['2027-01-01', '2026-12-28'],
    ['2024-03-03', '2024-02-26'],
    ['1969-12-31', '1969-12-29'],
  ])('%s is of the week of %s', (text, monday) => {
    expect(formatDay(mondayOf(parseDay(text) ?? 0))).toBe(monday);
  });

  it.each(['', '2026-02-29', '2026-13-01', '2026-1-1', '20261120', 'today', '2026-11-20T00:00:00Z'])(
    '"%s" is not a day',
    (text) => expect(parseDay(text)).toBeUndefined(),
  );
});

describe('npm run seed', () => {
  it.each([
    ['--today=2026-02-30', '--today must be a day such as 2026-11-20; it is "2026-02-30"'],
    ['--today=9999-12-31', /--today must not be after today, \d{4}-\d\d-\d\d in UTC; it is 9999-12-31/],
    ['--yesterday', "Unknown option '--yesterday'"],
    ['tomorrow', '"tomorrow" is not expected here'],
  ])('refuses %s', (arg, message) => {
    const program = fileURLToPath(new URL('../dist/seed/main.js', import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, arg], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(message);
  });
});
