/** Days as numbers, days since 1970-01-01 in UTC, and as `google.type.Date`. */
import type { DateMessage } from '@rondo/contracts/google/type/date';

const DAY_MS = 86_400_000;

/** The day of a moment. */
export const dayOf = (moment: Date): number => Math.floor(moment.getTime() / DAY_MS);

/** A day as a `google.type.Date`. */
export function toDate(day: number): DateMessage {
  const date = new Date(day * DAY_MS);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** The day of a `google.type.Date`. */
export const toDay = ({ year, month, day }: DateMessage): number => Date.UTC(year, month - 1, day) / DAY_MS;

/** A day in ISO 8601: `2026-11-20`. */
export const formatDay = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** The day of a text such as `2026-11-20`; undefined if there is no such day. */
export function parseDay(text: string): number | undefined {
  const day = Date.parse(`${text}T00:00:00Z`) / DAY_MS;
  return Number.isInteger(day) && formatDay(day) === text ? day : undefined;
}

/** The Monday of a day's week (ISO 8601). Day 0 was a Thursday. */
export const mondayOf = (day: number): number => day - ((((day + 3) % 7) + 7) % 7);
