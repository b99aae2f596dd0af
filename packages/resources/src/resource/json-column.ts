import type { FieldAt } from '@rondo/rpc/status';
import type { FieldDescription } from '@rondo/validation';
import { type Column, checkEach, sqlValue, storedJson, storedList } from './column.js';
import { scalarColumn } from './scalar-columns.js';

/** A message, a list of messages, or a map, as `jsonb` with the contract's names; 64-bit integers are texts in it. */
export function jsonColumn(field: FieldDescription, column: string): Column<unknown> | undefined {
  const codec = jsonOf(field);
  if (codec === undefined) return undefined;
  const { write, read, check } = codec;
  if (field.repeated === true) {
    return {
      names: [column],
      types: ["jsonb NOT NULL DEFAULT '[]'"],
      write: (values) => [JSON.stringify(storedList(values).map(write))],
      read: ([stored]) => (stored == null ? [] : storedList(stored).map(read)),
      check: checkEach(check),
    };
  }
  const isMap = field.type === 'map';
  return {
    names: [column],
    types: [isMap ? "jsonb NOT NULL DEFAULT '{}'" : 'jsonb'],
    write: (value) => [value === undefined && !isMap ? null : JSON.stringify(write(value))],
    read: ([stored]) => (stored == null && !isMap ? undefined : read(storedJson(stored))),
    check: (field, path, value) => value !== undefined && check(field, path, value),
  };
}

/** A value in JSON. */
interface JsonCodec {
  write(value: unknown): unknown;
  read(json: unknown): unknown;
  check(field: FieldAt, path: string, value: unknown): void;
}

/** Google's messages that are JSON themselves, in generated code too. */
const JSON_TYPES = ['google.protobuf.Struct', 'google.protobuf.ListValue'];
const GOOGLE_FIELDS: Readonly<Record<string, readonly FieldDescription[]>> = {
  'google.type.Date': ['year', 'month', 'day'].map((name) => ({ name, key: name, type: 'int32' })),
  'google.type.Decimal': [{ name: 'value', key: 'value', type: 'string' }],
  'google.type.Money': [
    { name: 'currency_code', key: 'currencyCode', type: 'string' },
    { name: 'units', key: 'units', type: 'int64' },
    { name: 'nanos', key: 'nanos', type: 'int32' },
  ],
  'google.protobuf.Duration': [
    { name: 'seconds', key: 'seconds', type: 'int64' },
    { name: 'nanos', key: 'nanos', type: 'int32' },
  ],
};

function jsonOf({ type, fields = GOOGLE_FIELDS[type] }: FieldDescription): JsonCodec | undefined {
  if (JSON_TYPES.includes(type)) return { write: (value) => value, read: (json) => json, check: checkJson };
  if (type === 'map') return mapOf(fields);
  const codecs = fields?.map((field) => ({ field, codec: fieldCodec(field) }));
  if (codecs === undefined || codecs.some(({ codec }) => codec === undefined)) return undefined;
  return {
    write: (message) =>
      Object.fromEntries(codecs.map(({ field, codec }) => [field.name, codec?.write(valueIn(message, field.key))])),
    read: (json) =>
      Object.fromEntries(codecs.map(({ field, codec }) => [field.key, codec?.read(valueIn(json, field.name))])),
    check(at, path, message) {
      for (const { field, codec } of codecs) codec?.check(at, `${path}.${field.name}`, valueIn(message, field.key));
    },
  };
}

/** A map whose generated code is an object, as it is for other keys than those of 64 bits and `bool`. Equal maps have equal texts. */
function mapOf([key, value]: readonly FieldDescription[] = []): JsonCodec | undefined {
  const codec = value && fieldCodec(value);
  if (codec === undefined || !/^string$|32$/.test(key?.type ?? '')) return undefined;
  const entriesOf = (map: unknown) => Object.entries(objectIn(map)).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    write: (map) => Object.fromEntries(entriesOf(map).map(([at, one]) => [at, codec.write(one)])),
    read: (json) => Object.fromEntries(entriesOf(json).map(([at, one]) => [at, codec.read(one)])),
    check(field, path, map) {
      for (const [at, one] of entriesOf(map)) codec.check(field, `${path}[${JSON.stringify(at)}]`, one);
    },
  };
}

function checkJson(field: FieldAt, path: string, value: unknown): void {
  JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'number' && !Number.isFinite(part))
      field(path)(`must have numbers that JSON has; there is ${part}`);
    return part;
  });
}

function fieldCodec(field: FieldDescription): JsonCodec | undefined {
  const column = scalarColumn(field, field.name) ?? jsonColumn(field, field.name);
  if (column === undefined) return undefined;
  const isJson = column.types[0]?.startsWith('jsonb') === true;
  return {
    write(value) {
      const [stored = null] = column.write(value);
      return isJson && typeof stored === 'string' ? JSON.parse(stored) : toJson(stored);
    },
    read: (json) => column.read([json]),
    check: (at, path, value) => column.check?.(at, path, value),
  };
}

function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}`;
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
  return Array.isArray(value) ? value.map(toJson) : value;
}

/** A value that is an object; an empty one in the place of another value. */
export function objectIn(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}

/** A property of an object. */
export function valueIn(object: unknown, key: string): unknown {
  return typeof object === 'object' && object !== null ? Reflect.get(object, key) : undefined;
}

/** The fields of one message, each in a column of its own, whose name begins with `prefix`. */
export function inColumns(prefix: string): (field: FieldDescription) => Column<unknown> {
  return ({ fields = [], name, repeated, type }) => {
    const parts = fields.map((field) => ({ field, column: scalarColumn(field, `${prefix}${field.name}`) }));
    const unfit = parts.find(({ column }) => column === undefined);
    if (repeated === true || type === 'map' || parts.length === 0 || unfit !== undefined) {
      throw new TypeError(
        `${name} can't be in columns: ${unfit?.field.name ?? 'it'} is no single value; leave it to be jsonb`,
      );
    }
    const columns = parts.flatMap(({ column }) => (column === undefined ? [] : [column]));
    const types = columns.flatMap((column) => column.types);
    if (types.every((type) => !type.includes('NOT NULL')))
      throw new TypeError(
        `${name} can't be in columns: nothing tells an unset one from an empty one; leave it to be jsonb`,
      );
    return {
      names: columns.flatMap(({ names }) => names),
      // An unset message has null in each column.
      types: types.map((type) => type.replace(/ NOT NULL.*$/, '')),
      write: (message) =>
        parts.map(({ field, column }) =>
          message === undefined ? null : sqlValue(column?.write(valueIn(message, field.key))[0]),
        ),
      read(values) {
        if (values.every((value) => value == null)) return undefined;
        return Object.fromEntries(parts.map(({ field, column }, index) => [field.key, column?.read([values[index]])]));
      },
      check(at, path, message) {
        if (message === undefined) return;
        for (const { field, column } of parts)
          column?.check?.(at, `${path}.${field.name}`, valueIn(message, field.key));
      },
    };
  };
}
