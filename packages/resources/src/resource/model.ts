import type { FieldDescription } from '@rondo/validation';
import { type NamePattern, namePattern } from '../domain/names.js';
import type { Column } from './column.js';
import type { Definition, ResourceType } from './definition.js';
import { jsonColumn } from './json-column.js';
import { scalarColumn } from './scalar-columns.js';
import { dateColumn, decimalColumn, moneyColumns } from './value-columns.js';

/** A stored field. */
export interface ModelField {
  readonly description: FieldDescription;
  readonly column: Column<unknown>;
  /** Whether a create sets it. */
  readonly isInput: boolean;
  readonly isUpdatable: boolean;
}

/** A definition together with the contract. */
export interface Model<M> {
  readonly type: ResourceType<M>;
  readonly definition: Definition<M>;
  readonly names: NamePattern<readonly string[]>;
  /** Of one and of many, in words: `stock change`, `stock changes`. */
  readonly called: readonly [one: string, many: string];
  /** The method that lists them. */
  readonly listedBy: string;
  readonly ids: readonly string[];
  /** By the numbers in the contract. */
  readonly fields: readonly ModelField[];
  readonly field: (key: string) => ModelField;
  readonly has: (key: string) => boolean;
}

const words = (name: string): string =>
  name.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replaceAll('_', ' ');

/** Reads a definition with its contract. @throws TypeError if they don't fit together. */
export function modelOf<M>(type: ResourceType<M>, definition: Definition<M>): Model<M> {
  const { $type, resource } = type;
  if (resource === undefined)
    throw new TypeError(`${$type} is no resource: give it a method Get…, or google.api.resource`);
  const variables = [...resource.pattern.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const { ids = variables.map((name, index) => (index === variables.length - 1 ? 'id' : `${name}_id`)) } = definition;
  if (ids.length !== variables.length) throw new TypeError(`${$type}: ids must be ${variables.length} columns`);
  const fields = resource.fields.flatMap((description) => modelField(type, definition, description) ?? []);
  const byKey = new Map(fields.map((field) => [field.description.key, field]));
  const keys = new Set(resource.fields.map(({ key }) => key));
  return {
    type,
    definition,
    ids,
    fields,
    names: namePattern(resource.pattern, (...parts) => parts),
    called: [words(variables.at(-1) ?? ''), words(resource.pattern.split('/').at(-2) ?? '')],
    listedBy: resource.listedBy ?? 'its list method',
    field(key) {
      const field = byKey.get(key);
      if (field === undefined) throw new TypeError(`${$type}: "${key}" is no stored field`);
      return field;
    },
    has: (key) => keys.has(key),
  };
}

const SET_BY_SERVER = ['OUTPUT_ONLY', 'IDENTIFIER'];

function modelField<M>(
  { $type }: ResourceType<M>,
  { columns = {}, immutable = [] }: Definition<M>,
  description: FieldDescription,
): ModelField | undefined {
  const { name, key, behavior = [] } = description;
  const given: unknown = Reflect.get(columns, key);
  if (key === 'name' || key === 'etag' || given === false) return undefined;
  const column = columnOf(description, given ?? name);
  if (column === undefined) {
    throw new TypeError(
      `${$type}: ${name} has the type ${description.type}, which needs columns of its own: give a Column in \`columns.${key}\` of the ` +
        'definition, or false to store none',
    );
  }
  const isInput = !SET_BY_SERVER.some((one) => behavior.includes(one));
  const keeps: readonly string[] = immutable;
  return {
    description,
    column,
    isInput,
    isUpdatable: isInput && !behavior.includes('IMMUTABLE') && !keeps.includes(key),
  };
}

function columnOf(field: FieldDescription, given: unknown): Column<unknown> | undefined {
  if (typeof given === 'function') return checkedColumn(given(field));
  if (typeof given !== 'string') return checkedColumn(given);
  const { type, repeated } = field;
  if (type === 'google.type.Date' && repeated !== true) return opaque(dateColumn(given));
  if (type === 'google.type.Decimal' && repeated !== true) return opaque(decimalColumn(given));
  if (type === 'google.type.Money' && repeated !== true)
    return opaque(moneyColumns({ currency: `${given}_currency`, amount: `${given}_nanos` }));
  return scalarColumn(field, given) ?? jsonColumn(field, given);
}

/** The column of a field whose type is known from the contract only. */
const opaque = <T>(column: Column<T>): Column<unknown> => checkedColumn(column);

function checkedColumn(column: unknown): Column<unknown> {
  if (isColumn(column)) return column;
  throw new TypeError(`${JSON.stringify(column)} is no column`);
}

function isColumn(column: unknown): column is Column<unknown> {
  return typeof column === 'object' && column !== null && 'names' in column && 'read' in column && 'write' in column;
}
