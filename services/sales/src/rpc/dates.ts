import type { DateMessage } from '@rondo/contracts/google/type/date';
import { readDate } from '@rondo/resources';
import type { ReportFault } from '@rondo/rpc/status';
import type { CalendarDate } from '../domain/calendar-date.js';

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
