/** A day of the Gregorian calendar, `YYYY-MM-DD`: years have four digits, so that dates compare as text. */
export type CalendarDate = string;
