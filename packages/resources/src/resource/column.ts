import type { SqlValue } from '@rondo/database';
import type { FieldAt } from '@rondo/rpc/status';
import type { FilterField } from '../filter.js';

/** A row of a table, by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

/** How a field is stored: in one column, or in several. */
export interface Column<T> {
  /** The names of the columns, first those of the table. They are parts of SQL: never take them from a request. */
  readonly names: readonly string[];
  /** The types of the table's columns, with their constraints, for the migration that adds them. The others are only read. */
  readonly types: readonly string[];
  /** The values of the table's columns. */
  write(value: T): readonly SqlValue[];
  /** The field in the values of the columns, as the driver returns them. Null for a missing one. */
  read(values: readonly unknown[]): T;
  /** How a filter compares the first column; absent if none can. */
  readonly filter?: FilterField;
  /** What etags have of the value; by default the value itself. Callers hold etags, so it must never change. */
  etagged?(value: T): unknown;
  /** The error of a create or an update that leaves it unset, if the contract requires it; by default `is required`. */
  readonly needed?: string;
  /** Reports what the rules of the contract can't say of a value in a request. `path` is the field's. */
  check?(field: FieldAt, path: string, value: T): void;
  /** In place of it in a create. */
  checkNew?(field: FieldAt, path: string, value: T): void;
}

/** The names of a field's columns of the table. */
export const ownNames = ({ names, types }: Column<unknown>): readonly string[] => names.slice(0, types.length);

/** A value as the driver returns it, or as a change has it, in which all values are texts. @throws TypeError for another one. */
export function storedText(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`the database has ${JSON.stringify(value)} in the place of a text`);
}

export function storedBigint(value: unknown): bigint {
  return typeof value === 'bigint' ? value : BigInt(typeof value === 'number' ? value : storedText(value));
}

export function storedNumber(value: unknown): number {
  return typeof value === 'number' ? value : Number(typeof value === 'bigint' ? value : storedText(value));
}

export function storedTime(value: unknown): Date {
  return value instanceof Date ? value : new Date(storedText(value));
}

export function storedBoolean(value: unknown): boolean {
  return typeof value === 'boolean' ? value : storedText(value) === 'true';
}

/** The bytes of `bytea`; a change has them as `\x` and hexadecimal digits. */
export function storedBytes(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : Buffer.from(storedText(value).slice(2), 'hex');
}

/** An array, or what `jsonb` holds; a change has the JSON of either as a text. */
export function storedJson(value: unknown): unknown {
  return typeof value === 'string' ? JSON.parse(value) : value;
}

export function storedList(value: unknown): readonly unknown[] {
  const list = storedJson(value);
  if (Array.isArray(list)) return list;
  throw new TypeError(`the database has ${JSON.stringify(value)} in the place of a list`);
}

/** The faults of a list that are reported: it may have millions, of which no caller reads more. */
const MAX_FAULTS = 100;

/** A check of a list by that of its items. */
export const checkEach =
  (check: (field: FieldAt, path: string, value: unknown) => void): NonNullable<Column<unknown>['check']> =>
  (field, path, values) => {
    let faults = 0;
    const counted: FieldAt = (at) => (description) => {
      faults += 1;
      field(at)(description);
    };
    for (const [index, one] of Array.isArray(values) ? values.entries() : [])
      if (faults < MAX_FAULTS) check(counted, `${path}[${index}]`, one);
  };

/** A value that the driver takes as a parameter. @throws TypeError for another one. */
export function sqlValue(value: unknown): SqlValue {
  if (isSqlValue(value)) return value;
  throw new TypeError(`a ${typeof value} can't be stored: give its field a column of its own`);
}

function isSqlValue(value: unknown): value is SqlValue {
  if (value === null || value instanceof Date || value instanceof Uint8Array) return true;
  return Array.isArray(value)
    ? value.every(isSqlValue)
    : ['string', 'number', 'bigint', 'boolean'].includes(typeof value);
}
