import type { ReportFault } from '@rondo/rpc/status';

/** A day of the Gregorian calendar, `YYYY-MM-DD`: years have four digits, so that dates compare as text. */
type CalendarDate = string;

/** `google.type.Date`. */
interface DateMessage {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** A whole date; one that isn't set is none. */
export function readDate(report: ReportFault, message: DateMessage | undefined): CalendarDate | undefined {
  if (message === undefined) return undefined;
  const { year, month, day } = message;
  const valid = within(year, 1, 9999) && within(month, 1, 12) && within(day, 1, daysIn(year, month));
  if (!valid) {
    report(`must be a day of the years 1 to 9999; it is year ${year}, month ${month}, day ${day}`);
    return undefined;
  }
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`;
}

/** A date as contracts have it; none where there is none. */
export function toDateMessage(date: CalendarDate | undefined): DateMessage | undefined {
  if (date === undefined) return undefined;
  const [year = 0, month = 0, day = 0] = date.split('-').map(Number);
  return { year, month, day };
}

function daysIn(year: number, month: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  if (month === 2) return leap ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

function within(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, '0');
}
