import type { DateMessage } from '@rondo/contracts/google/type/date';
import type { ReportFault } from '@rondo/rpc/status';
import { type CalendarDate, calendarDate, datePartsOf } from '../domain/calendar-date.js';

/** A whole date; one that isn't set is none. */
function readDate(report: ReportFault, message: DateMessage | undefined): CalendarDate | undefined {
  if (message === undefined) return undefined;
  const { year, month, day } = message;
  const date = calendarDate(year, month, day);
  if (date === undefined)
    report(`must be a day of the years 1 to 9999; it is year ${year}, month ${month}, day ${day}`);
  return date;
}

/** A day that isn't after today. */
export function readPastDate(
  report: ReportFault,
  message: DateMessage | undefined,
  today: CalendarDate,
): CalendarDate | undefined {
  const date = readDate(report, message);
  if (date !== undefined && date > today) report(`must not be after today, ${today} in UTC; it is ${date}`);
  return date;
}

/** A date as the contract has it. */
export function toDateMessage(date: CalendarDate): DateMessage {
  return datePartsOf(date);
}
