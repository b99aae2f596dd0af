import { type Queries, type SqlValue, UniqueViolation } from '@rondo/database';
import { Deleted, NotFound, Taken } from '../domain/errors.js';
import type { ListQuery, Page } from '../domain/list.js';
import { requireUnchanged } from '../domain/request.js';
import type { ResourceFeed } from '../domain/watch.js';
import { type Etagged, readEtag } from '../request-fields.js';
import { listPage } from '../sql/list-page.js';
import { createResourceFeed, type FeedOptions } from '../sql/resource-feed.js';
import { valueIn } from './json-column.js';
import { feedOf, listingOf, messageBytes } from './listing-of.js';
import type { Model } from './model.js';
import { readersOf } from './row-readers.js';
import { type Assigned, type Row, tableOf } from './table.js';

/** The resources of one kind in the database of a service. */
export interface Store<M> {
  /** A SELECT of resources, without a WHERE clause; the table has its own name in it. {@link toResource} takes its rows. */
  readonly select: string;
  readonly toResource: (row: Row) => M;
  /** The name with these ids, in the order of the pattern. */
  nameOf(...ids: readonly string[]): string;
  /** The ids in a name. @throws TypeError if the contract lets other names through. */
  idsIn(name: string): readonly string[];
  /** Deleted ones too. @throws NotFound */
  get(queries: Queries, name: string): Promise<M>;
  /** Reads it, and locks its row until the transaction ends. @throws NotFound, and StaleEtag if the etag isn't the present one. */
  lock(tx: Queries, name: string, etag?: string): Promise<M>;
  /** One that isn't deleted. @throws NotFound, Deleted */
  getLive(queries: Queries, name: string): Promise<M>;
  /** @throws Deleted */
  requireLive(resource: M): void;
  /** @throws Taken */
  insert(tx: Queries, resource: Partial<M> & { readonly name: string }): Promise<M>;
  /** Changes a locked resource. If nothing would differ, it isn't written. @throws Taken */
  update(tx: Queries, present: M, fields: Partial<M>): Promise<M>;
  /** Deletes a locked resource; if the contract has `delete_time`, it can be undeleted. */
  delete(tx: Queries, present: M): Promise<M>;
  /** @throws Taken if another resource has a unique value of it. */
  undelete(tx: Queries, present: M): Promise<M>;
  /** @param parents the ids of the parents whose resources are listed; all by default. */
  list(queries: Queries, query: ListQuery, parents?: readonly string[]): Promise<Page<M>>;
  /** @param partOf the column and, in changes, the field with the id of `ResourceWatch.of`. */
  feed(options: FeedOptions, partOf?: { readonly column: string }): ResourceFeed<M>;
}

/** What only this package reads. */
export interface InnerStore<M> extends Store<M> {
  readonly etaggedOf: (resource: M) => Etagged;
  /** A row, also locked; undefined if there is none. */
  findRow(queries: Queries, name: string, lock?: 'lock'): Promise<Row | undefined>;
  missing(name: string): NotFound;
}

/** Creates the store of a resource. */
export function createStore<M extends { readonly name: string }>(model: Model<M>): InnerStore<M> {
  const table = tableOf(model);
  const { toResource, etaggedOf, nameOf } = readersOf(model);
  const { called, names, listedBy } = model;
  const missing = (name: string) => new NotFound([name], `${listedBy} lists the existing ${called[1]}`);
  const idsIn = (name: string): readonly string[] => {
    const ids = names.parse(name);
    if (ids === undefined)
      throw new TypeError(`the contract allows the name "${name}", which is not of ${names.pattern}`);
    return ids;
  };
  const findRow: InnerStore<M>['findRow'] = async (queries, name, lock) => {
    const ids = idsIn(name);
    // In two statements if the row has columns of other tables: the first one, after waiting for the lock, would return old ones.
    if (lock !== undefined && !table.isPlain)
      await queries.query(`${table.lockRow} WHERE ${table.whereId} FOR NO KEY UPDATE`, ids);
    const locked = lock !== undefined && table.isPlain ? ' FOR NO KEY UPDATE' : '';
    return queries.maybeOne<Row>(`${table.select} WHERE ${table.whereId}${locked}`, ids);
  };
  const read = async (queries: Queries, name: string, lock?: 'lock'): Promise<M> => {
    const row = await findRow(queries, name, lock);
    if (row === undefined) throw missing(name);
    return toResource(row);
  };
  const requireLive = (resource: M): void => {
    if (valueIn(resource, 'deleteTime') !== undefined) throw new Deleted(resource.name, called[0]);
  };
  const write = async (tx: Queries, { sql, params, written }: Write<M>): Promise<M> => {
    try {
      const [row] = await tx.query<Row>(`${sql}${table.isPlain ? ` RETURNING ${table.columns}` : ''}`, params);
      return row === undefined ? await read(tx, written.name) : toResource(row);
    } catch (error) {
      throw takenOf(model, written, error);
    }
  };
  return {
    ...{ select: table.select, toResource, etaggedOf, findRow, missing, idsIn },
    nameOf: (...ids) => nameOf((index) => ids[index] ?? ''),
    get: (queries, name) => read(queries, name),
    async lock(tx, name, etag = '') {
      const present = await read(tx, name, 'lock');
      requireUnchanged(
        name,
        present,
        readEtag(() => undefined, etag, etaggedOf),
      );
      return present;
    },
    requireLive,
    async getLive(queries, name) {
      const present = await read(queries, name);
      requireLive(present);
      return present;
    },
    insert: (tx, resource) =>
      write(tx, { ...table.insert(idsIn(resource.name), assigned(model, resource)), written: resource }),
    async update(tx, present, fields) {
      const changes = assigned(model, fields).filter(({ field, values }) => {
        return (
          JSON.stringify(values, exactly) !==
          JSON.stringify(field.column.write(valueIn(present, field.description.key)), exactly)
        );
      });
      if (changes.length === 0) return present;
      return write(tx, { ...table.update(idsIn(present.name), changes), written: { ...present, ...fields } });
    },
    delete: async (tx, present) => {
      if (model.has('deleteTime'))
        return write(tx, { ...table.setDeleted(idsIn(present.name), true), written: present });
      await tx.query(table.deleteRow, idsIn(present.name));
      return present;
    },
    undelete: (tx, present) => write(tx, { ...table.setDeleted(idsIn(present.name), false), written: present }),
    list: (queries, query, parents = []) =>
      listPage<Row, M>(queries, { listing: listingOf(model, table, parents), query, sizeOf: messageBytes }, toResource),
    feed: (options, partOf) => createResourceFeed(options, feedOf(model, { table, toResource, partOf })),
  };
}

interface Write<M> {
  readonly sql: string;
  readonly params: readonly SqlValue[];
  /** What the error of a unique value tells of. */
  readonly written: Partial<M> & { readonly name: string };
}

/** The stored fields that an object has. */
function assigned<M>({ fields }: Model<M>, values: object): readonly Assigned[] {
  const set = fields.filter(
    ({ description: { key }, column }) => Object.hasOwn(values, key) && column.types.length > 0,
  );
  return set.map((field) => ({ field, values: field.column.write(valueIn(values, field.description.key)) }));
}

const exactly = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}n` : value);

function takenOf<M>(
  { definition: { unique = {}, table }, called, fields }: Model<M>,
  written: object,
  error: unknown,
): unknown {
  if (!(error instanceof UniqueViolation)) return error;
  const { constraint } = error;
  if (constraint === `${table}_pkey`) return new Taken(called[0], [['name', valueIn(written, 'name')]]);
  const given = Object.hasOwn(unique, constraint) ? unique[constraint] : undefined;
  if (given === undefined) return error;
  const keys = typeof given === 'string' ? [given] : Object.keys(given);
  const taken = keys.map((key): [string, unknown] => {
    const name = fields.find(({ description }) => description.key === key)?.description.name ?? key;
    return [typeof given === 'string' ? name.replaceAll('_', ' ') : String(valueIn(given, key)), valueIn(written, key)];
  });
  return new Taken(called[0], taken);
}
