import type { SqlValue } from '@rondo/database';
import type { FieldDescription } from '@rondo/validation';
import type { FilterField } from '../filter.js';
import {
  type Column,
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
}

const WHOLE = { type: 'integer', zero: 0, read: storedNumber, write: sqlValue, filter: { kind: 'integer' } } as const;
const LONG = { type: 'bigint', zero: 0n, read: storedBigint, write: sqlValue, filter: { kind: 'integer' } } as const;

const SCALARS: ReadonlyMap<string, Scalar> = new Map<string, Scalar>([
  ['string', { type: 'text', zero: '', read: storedText, write: sqlValue, filter: { kind: 'text' } }],
  [
    'bool',
    {
      ...{ type: 'boolean', zero: false, read: storedBoolean, write: sqlValue },
      filter: { kind: 'enum', values: ['true', 'false'] },
    },
  ],
  ['bytes', { type: 'bytea', zero: new Uint8Array(), read: storedBytes, write: sqlValue }],
  ['double', { type: 'double precision', zero: 0, read: storedNumber, write: sqlValue }],
  ['float', { type: 'real', zero: 0, read: storedNumber, write: sqlValue }],
  ...['int32', 'sint32', 'sfixed32'].map((name): [string, Scalar] => [name, WHOLE]),
  ...['uint32', 'fixed32'].map((name): [string, Scalar] => [name, { ...WHOLE, type: 'bigint' }]),
  ...['int64', 'sint64', 'sfixed64'].map((name): [string, Scalar] => [name, LONG]),
  ...['uint64', 'fixed64'].map((name): [string, Scalar] => [name, { ...LONG, type: 'numeric(20, 0)' }]),
  [
    'google.protobuf.Timestamp',
    {
      ...{ type: 'timestamptz(3)', zero: undefined, read: storedTime, write: sqlValue },
      filter: { kind: 'timestamp' },
    },
  ],
]);

/** The column of a scalar, an enum or a time, or of a list of them; undefined for another type. */
export function scalarColumn(field: FieldDescription, column: string): Column<unknown> | undefined {
  const scalar = field.values === undefined ? SCALARS.get(field.type) : enumOf(field.values);
  if (scalar === undefined) return undefined;
  return field.repeated === true ? listOf(scalar, column) : oneOf(scalar, field, column);
}

function oneOf(scalar: Scalar, { optional, values }: FieldDescription, column: string): Column<unknown> {
  const { type, read, write, filter } = scalar;
  const unset = optional === true ? undefined : scalar.zero;
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
    ...(values && { etagged: write, check: checkEnum(values) }),
  };
}

function listOf({ type, read, write }: Scalar, column: string): Column<unknown> {
  return {
    names: [column],
    types: [`${type}[] NOT NULL DEFAULT '{}'`],
    write: (values) => [storedList(values).map(write)],
    read: ([values]) => (values == null ? [] : storedList(values).map(read)),
  };
}

type EnumValues = NonNullable<FieldDescription['values']>;

/** An enum by the names of its values. Its zero is null in the database. */
function enumOf(values: EnumValues): Scalar {
  const names = new Map<unknown, string>(values.filter(([number]) => number !== 0));
  const numbers = new Map(values.map(([number, name]) => [name, number]));
  return {
    type: 'text',
    zero: 0,
    write: (number) => names.get(number) ?? null,
    read(stored) {
      const number = numbers.get(storedText(stored));
      if (number !== undefined) return number;
      throw new TypeError(`the database has "${storedText(stored)}", which this version of the contract doesn't know`);
    },
    filter: { kind: 'enum', values: [...names.values()] },
  };
}

function checkEnum(values: EnumValues): NonNullable<Column<unknown>['check']> {
  const known = new Map<unknown, string>(values);
  return (field, path, value) => {
    if (!known.has(value)) field(path)(`must be one of ${[...known.values()].join(', ')}; it is the number ${value}`);
  };
}
