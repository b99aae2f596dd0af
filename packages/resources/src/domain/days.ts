/** A day of the Gregorian calendar, `YYYY-MM-DD`. Years have four digits, so that dates compare as text. */
export type CalendarDate = string;

const ISO_DATE_LENGTH = 'YYYY-MM-DD'.length;

/** The day (UTC) of a point in time of the years 0 to 9999. */
export function dateAt(time: Date): CalendarDate {
  return time.toISOString().slice(0, ISO_DATE_LENGTH);
}
