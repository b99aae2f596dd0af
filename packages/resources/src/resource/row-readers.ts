import { type Etagged, etagOf, requireEtag } from '../request-fields.js';
import type { Row } from './column.js';
import { type Column, storedBigint, storedText } from './column.js';
import { valueIn } from './json-column.js';
import type { Model } from './model.js';

/** Reads rows of a resource, with its etags. Lists read many rows, so what is the same for all is found once. */
export function rowReaders<M extends { readonly name: string }>(model: Model<M>) {
  const { type, ids, fields, has, definition } = model;
  const { changes = () => 0n } = definition.etag ?? {};
  const etagged = etaggedBy(model);
  const nameOf = nameBy(model);
  /** Of the fields that etags cover, once a row has been read. */
  let paths: readonly string[] = [];
  const readers = fields.map(({ description: { key }, column }) => [key, readerOf(column)] as const);
  return {
    nameOf,
    toResource(row: Row): M {
      const values: Record<string, unknown> = { name: nameOf((index) => storedText(row[ids[index] ?? ''])) };
      for (const [key, read] of readers) values[key] = read(row);
      const resource = type.fromPartial(values);
      if (!has('etag')) return resource;
      const parts = etagged(resource, row, storedBigint(row['version']) + changes(resource));
      if (paths.length === 0) paths = Object.keys(parts.fields);
      return Object.assign(resource, { etag: etagOf(parts) });
    },
    /** @throws StaleEtag unless the etag of the request is empty, or the resource's. */
    requireEtag: (present: M, given: string): void =>
      requireEtag({ name: present.name, etag: String(valueIn(present, 'etag')), paths }, given),
  };
}

function readerOf(column: Column<unknown>): (row: Row) => unknown {
  const { names } = column;
  const [name = '', second = ''] = names;
  if (names.length === 1) return (row) => column.read([row[name]]);
  if (names.length === 2) return (row) => column.read([row[name], row[second]]);
  return (row) => column.read(names.map((one) => row[one]));
}

/** The name with the ids that a function has by their places in the pattern. */
function nameBy<M>({ names: { pattern } }: Model<M>): (idAt: (index: number) => string) => string {
  const [first = '', ...parts] = pattern.split(/\{\w+\}/);
  return (idAt) => parts.reduce((name, part, index) => `${name}${idAt(index)}${part}`, first);
}

function etaggedBy<M extends { readonly name: string }>({ fields, definition }: Model<M>) {
  const changeable = fields.filter(({ isUpdatable, description: { key } }) => isUpdatable || key === 'deleteTime');
  const fieldsOf =
    definition.etag?.fields ??
    ((resource: M) => {
      const values: Record<string, unknown> = {};
      for (const { description, column } of changeable) {
        const value = valueIn(resource, description.key);
        values[description.name] = column.etagged ? column.etagged(value) : value;
      }
      return values;
    });
  return (resource: M, row: Row, version: bigint): Etagged => ({
    name: resource.name,
    version,
    createTime: timeIn(resource, 'createTime'),
    updateTime: timeIn(resource, 'updateTime'),
    fields: fieldsOf(resource, row),
  });
}

function timeIn(resource: object, key: string): Date {
  const time = valueIn(resource, key);
  return time instanceof Date ? time : new Date(0);
}
