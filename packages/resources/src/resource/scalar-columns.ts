import type { SqlValue } from '@rondo/database';
import type { ReportFault } from '@rondo/rpc/status';
import type { FieldDescription } from '@rondo/validation';
import type { FilterField } from '../filter.js';
import {
  type Column,
  checkEach,
  sqlValue,
  storedBigint,
  storedBoolean,
  storedBytes,
  storedList,
  storedNumber,
  storedText,
  storedTime,
} from './column.js';

/** A type of the contract as one column. */
interface Scalar {
  readonly type: string;
  /** What an unset field without presence has. */
  readonly zero: unknown;
  readonly read: (value: unknown) => unknown;
  readonly write: (value: unknown) => SqlValue;
  readonly filter?: FilterField;
  readonly check?: (report: ReportFault, value: unknown) => void;
}

/** NaN and the infinities are texts, which JSON has too. */
function writeFraction(value: unknown): SqlValue {
  return typeof value === 'number' && !Number.isFinite(value) ? `${value}` : sqlValue(value);
}

const FRACTION = { type: 'double precision', zero: 0, read: storedNumber, write: writeFraction } as const;
// 64 bits, as the linter of migrations wants them.
const WHOLE = { type: 'bigint', zero: 0, read: storedNumber, write: sqlValue, filter: { kind: 'integer' } } as const;
const LONG = { type: 'bigint', zero: 0n, read: storedBigint, write: sqlValue, filter: { kind: 'integer' } } as const;
const UNSIGNED = { ...LONG, type: 'numeric(20, 0)', filter: { kind: 'integer', unsigned: true } } as const;

const SCALARS: ReadonlyMap<string, Scalar> = new Map<string, Scalar>([
  ['string', { type: 'text', zero: '', read: storedText, write: sqlValue, filter: { kind: 'text' } }],
  [
    'bool',
    {
      type: 'boolean',
      zero: false,
      read: storedBoolean,
      write: sqlValue,
      filter: { kind: 'enum', values: ['true', 'false'] },
    },
  ],
  ['bytes', { type: 'bytea', zero: new Uint8Array(), read: storedBytes, write: sqlValue }],
  ['double', FRACTION],
  // PostgreSQL writes it with the fewest digits.
  ['float', { ...FRACTION, type: 'real', read: (value) => Math.fround(storedNumber(value)) }],
  ...['int32', 'sint32', 'sfixed32', 'uint32', 'fixed32'].map((name): [string, Scalar] => [name, WHOLE]),
  ...['int64', 'sint64', 'sfixed64'].map((name): [string, Scalar] => [name, LONG]),
  ...['uint64', 'fixed64'].map((name): [string, Scalar] => [name, UNSIGNED]),
  [
    'google.protobuf.Timestamp',
    {
      type: 'timestamptz(3)',
      zero: undefined,
      read: storedTime,
      write: sqlValue,
      check: checkTime,
      filter: { kind: 'timestamp' },
    },
  ],
]);

/** The column of a scalar, an enum or a time, or of a list of them; undefined for another type. */
export function scalarColumn(field: FieldDescription, column: string): Column<unknown> | undefined {
  const { values, prefix, optional, repeated } = field;
  const scalar =
    values === undefined
      ? SCALARS.get(field.type)
      : enumOf(values, { hasZero: optional === true || repeated === true, prefix });
  if (scalar === undefined) return undefined;
  return repeated === true ? listColumn(scalar, column) : singleColumn(scalar, field, column);
}

function singleColumn(
  { type, read, write, filter, zero, check }: Scalar,
  { optional, values }: FieldDescription,
  column: string,
) {
  const unset = optional === true ? undefined : zero;
  // An enum's zero is unset.
  const isNullable = unset === undefined || values !== undefined;
  return {
    names: [column],
    types: [
      isNullable ? type : `${type} NOT NULL DEFAULT ${unset === 0 || unset === 0n || unset === false ? unset : "''"}`,
    ],
    write: (value) => [value === undefined ? null : write(value)],
    // A change from before a migration has no value of a column that it adds.
    read: ([value]) => (value == null ? unset : read(value)),
    ...(filter && { filter }),
    ...((values || write === writeFraction) && { etagged: (value) => (value === undefined ? null : write(value)) }),
    ...(check && { check: (field, path, value) => value !== undefined && check(field(path), value) }),
  } satisfies Column<unknown>;
}

function listColumn({ type, read, write, check }: Scalar, column: string): Column<unknown> {
  // A change has them as numbers of JSON, which lose digits.
  const listed = (stored: unknown) =>
    read === storedBigint && typeof stored === 'string' ? (stored.match(/-?\d+/g) ?? []) : storedList(stored);
  return {
    names: [column],
    types: [`${type}[] NOT NULL DEFAULT '{}'`],
    write: (values) => [storedList(values).map(write)],
    read: ([values]) => (values == null ? [] : listed(values).map(read)),
    ...(check && { check: checkEach((field, path, value) => check(field(path), value)) }),
  };
}

/**
 * An enum by the names of its values. Its zero is null in the database, unless that means unset. A name that a later version of the contract
 * has stored is read as the zero, and kept by updates of other fields.
 */
function enumOf(
  values: NonNullable<FieldDescription['values']>,
  { hasZero, prefix }: { readonly hasZero: boolean; readonly prefix: string | undefined },
): Scalar {
  const known = new Map<unknown, string>(values);
  const names = new Map<unknown, string>(values.filter(([number]) => hasZero || number !== 0));
  const numbers = new Map(values.map(([number, name]) => [name, number]));
  return {
    type: 'text',
    zero: 0,
    write: (number) => names.get(number) ?? null,
    read: (stored) => numbers.get(storedText(stored)) ?? 0,
    filter: { kind: 'enum', values: [...names.values()], prefix },
    check(report, value) {
      if (!known.has(value)) report(`must be one of ${[...known.values()].join(', ')}; it is the number ${value}`);
    },
  };
}

/** The years that RFC 3339 has. */
const [FIRST_MS, LAST_MS] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')];

function checkTime(report: ReportFault, value: unknown): void {
  const ms = value instanceof Date ? value.getTime() : Number.NaN;
  if (!(ms >= FIRST_MS && ms <= LAST_MS)) report('must be a time of the years 1 to 9999');
}
