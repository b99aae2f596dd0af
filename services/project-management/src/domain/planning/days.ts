import { type CalendarDate, dateAt } from '@rondo/resources/domain';

/** A day as a number: 0 is Monday, 0001-01-01. */
export type DayNumber = number;

/** A week as a number: its Monday is day `7 × week`. */
export type WeekNumber = number;

/** 9999-12-31, the last day that has a date. */
export const LAST_DAY: DayNumber = 3_652_058;

const MS_A_DAY = 86_400_000;
const ISO_DATE_LENGTH = 'YYYY-MM-DD'.length;
/** From 0001-01-01 to 1970-01-01. */
const DAYS_BEFORE_EPOCH = 719_162;
const DAYS_A_WEEK = 7;
const WEEKDAYS_A_WEEK = 5;
const DAY_NAMES = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;

export function dayNumberOf(date: CalendarDate): DayNumber {
  return Date.parse(`${date}T00:00:00Z`) / MS_A_DAY + DAYS_BEFORE_EPOCH;
}

/** The date of a day. @throws RangeError outside the years 1 to 9999. */
export function dateOf(day: DayNumber): CalendarDate {
  if (!(day >= 0 && day <= LAST_DAY)) throw new RangeError(`day ${day} is in none of the years 1 to 9999`);
  return new Date((day - DAYS_BEFORE_EPOCH) * MS_A_DAY).toISOString().slice(0, ISO_DATE_LENGTH);
}

export function weekOf(day: DayNumber): WeekNumber {
  return Math.floor(day / DAYS_A_WEEK);
}

/** The first day of a week. */
export function mondayOf(week: WeekNumber): DayNumber {
  return week * DAYS_A_WEEK;
}

/** The Monday of the week (UTC) of a point in time. */
export function mondayAt(time: Date): CalendarDate {
  return dateOf(mondayOf(weekOf(dayNumberOf(dateAt(time)))));
}

/** Monday is 0, Sunday 6. */
export function weekdayOf(day: DayNumber): number {
  return day % DAYS_A_WEEK;
}

/** `Monday` to `Sunday`. */
export function dayName(day: DayNumber): string {
  return DAY_NAMES[weekdayOf(day)] ?? '';
}

/**
 * The part of a week's minutes that falls on one of its days. Each day from Monday to Friday has a fifth, rounded down;
 * the first days get one of the remaining minutes each. 2,402 minutes are split into 481, 481, 480, 480, 480.
 */
export function shareOfDay(minutesOfWeek: number, weekday: number): number {
  if (weekday >= WEEKDAYS_A_WEEK) return 0;
  const extra = weekday < minutesOfWeek % WEEKDAYS_A_WEEK ? 1 : 0;
  return Math.floor(minutesOfWeek / WEEKDAYS_A_WEEK) + extra;
}

/** The part of a week's minutes that falls on `weekday` and the days after it. */
export function shareFromDay(minutesOfWeek: number, weekday: number): number {
  let share = 0;
  for (let day = weekday; day < WEEKDAYS_A_WEEK; day += 1) share += shareOfDay(minutesOfWeek, day);
  return share;
}

/** A member's time, as planning sees it. */
export interface MemberTime {
  readonly memberId: string;
  readonly weeklyCapacityMinutes: number;
  /** The reserved minutes by week; a missing week has none. */
  readonly reservedMinutes: ReadonlyMap<WeekNumber, number>;
}

/** The free minutes of a member's week. */
export function freeMinutesOf({ weeklyCapacityMinutes, reservedMinutes }: MemberTime, week: WeekNumber): number {
  return Math.max(0, weeklyCapacityMinutes - (reservedMinutes.get(week) ?? 0));
}
