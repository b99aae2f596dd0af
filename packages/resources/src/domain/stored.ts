/** A day of the Gregorian calendar, `YYYY-MM-DD`. Years have four digits, so that dates compare as text. */
export type CalendarDate = string;

const ISO_DATE_LENGTH = 'YYYY-MM-DD'.length;

/** The day (UTC) of a point in time of the years 0 to 9999. */
export function dateAt(time: Date): CalendarDate {
  return time.toISOString().slice(0, ISO_DATE_LENGTH);
}

/** What the database adds to every resource. */
export interface Stored {
  readonly id: string;
  /** The number of changes, from 1. */
  readonly version: bigint;
  readonly createTime: Date;
  readonly updateTime: Date;
}

/** A resource that can be deleted and undeleted. */
export interface Deletable extends Stored {
  /** Undefined if it isn't deleted. */
  readonly deleteTime: Date | undefined;
}

/** The fields that the store sets, not the caller. */
export type StoredOnly = keyof Deletable;

/** Whether setting `fields` would change `present`. All values are plain data. */
export function differs<T extends object>(present: T, fields: Partial<T>): boolean {
  const values = new Map<string, unknown>(Object.entries(present));
  return Object.entries(fields).some(([key, value]) => textOf(value) !== textOf(values.get(key)));
}

/** JSON with sorted keys: equal values give equal text, whatever the order of their keys. Undefined has no text. */
function textOf(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return `${part}`;
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
