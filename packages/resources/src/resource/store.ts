import { hash } from 'node:crypto';
import { ForeignKeyViolation, type Queries, sqlStateOf, UniqueViolation } from '@rondo/database';
import { Deleted, InUse, NotFound, StillDeleted, Taken, TooLong, UnknownReference } from '../domain/errors.js';
import type { ListQuery, Page } from '../domain/list.js';
import { toText } from '../request-fields.js';
import { listPage } from '../sql/list-page.js';
import { messageBytes } from '../sql/message-size.js';
import type { Row } from './column.js';
import { type FeedOptions, feedOf, type ResourceEvent, type ResourceWatch, watchRows } from './feed.js';
import { valueIn } from './json-column.js';
import { listingOf } from './lists.js';
import { namesIn } from './method-shapes.js';
import type { Model } from './model.js';
import { rowReaders } from './row-readers.js';
import { type Assigned, type Statement, tableOf } from './table.js';
import { requireSeen, type Watcher } from './visibility.js';

/** The resources of one kind in the database of a service. */
export interface Store<M> {
  /** A SELECT of resources, without a WHERE clause; the table has its own name in it. {@link toResource} takes its rows. */
  readonly select: string;
  /** The columns of the table in it, for a RETURNING clause. */
  readonly columns: string;
  readonly toResource: (row: Row) => M;
  /** The name with these ids, in the order of the pattern. */
  nameOf(...ids: readonly string[]): string;
  /** The ids in a name. @throws TypeError if the contract lets other names through. */
  idsIn(name: string): readonly string[];
  /** Deleted ones too. @throws NotFound */
  get(queries: Queries, name: string): Promise<M>;
  /** Reads it, and locks its row until the transaction ends. @throws NotFound, and StaleEtag if the etag isn't the present one. */
  lock(tx: Queries, name: string, etag?: string): Promise<M>;
  /** One that isn't deleted. @throws NotFound, Deleted, StillDeleted */
  getLive(queries: Queries, name: string): Promise<M>;
  /** @throws Deleted with all that are, or StillDeleted */
  requireLive(...resources: readonly M[]): void;
  /** The error of resources that don't exist. */
  missing(...names: readonly string[]): NotFound;
  /** @throws StaleEtag if the etag isn't empty, and not the present one. */
  requireEtag(resource: M, etag: string): void;
  /** Checks that a caller sees a resource, for methods of one's own. A name of another pattern passes. @throws NotFound, NotVisible */
  see(queries: Queries, name: string, caller: Watcher): Promise<void>;
  /** The INSERT of a resource, for a statement that writes more with it. Its first parameters are the ids. */
  insertSql(resource: Partial<M> & { readonly name: string }): Statement;
  /** @throws Taken */
  insert(tx: Queries, resource: Partial<M> & { readonly name: string }): Promise<M>;
  /**
   * Changes a locked resource. If nothing would differ, it isn't written. Fields that other tables have are the caller's to write; they
   * count as changes.
   *
   * @throws Taken
   */
  update(tx: Queries, present: M, fields: Partial<M>): Promise<M>;
  /** As `update`, but its row is written in any case: what it has besides its table differs. @throws Taken */
  replace(tx: Queries, present: M, fields: Partial<M>): Promise<M>;
  /** Deletes a locked resource; if the contract has `delete_time`, it can be undeleted. */
  delete(tx: Queries, present: M): Promise<M>;
  /** @throws Taken if another resource has a unique value of it. */
  undelete(tx: Queries, present: M): Promise<M>;
  /** @param parents the ids of the parents whose resources are listed; all by default. */
  list(queries: Queries, query: ListQuery, parents?: readonly string[]): Promise<Page<M>>;
  /** Watches them: a snapshot, and then every change once. */
  watch(options: FeedOptions, watch: ResourceWatch): AsyncIterable<ResourceEvent<M>>;
}

/** What only this package reads. */
export interface InnerStore<M> extends Store<M> {
  /** A row, also locked; undefined if there is none. */
  findRow(queries: Queries, name: string, lock?: 'lock'): Promise<Row | undefined>;
}

/** Creates the store of a resource. */
export function createStore<M extends { readonly name: string }>(model: Model<M>): InnerStore<M> {
  const table = tableOf(model);
  const { toResource, requireEtag, nameOf } = rowReaders(model);
  const { called, names, listedBy, definition } = model;
  const { whenMissing = `${listedBy} lists the existing ${called[1]}` } = definition;
  const missing = (...absent: readonly string[]) => new NotFound(absent, whenMissing);
  const idsIn = (name: string): readonly string[] => {
    const ids = names.parse(name);
    if (ids === undefined)
      throw new TypeError(`the contract allows the name "${name}", which is not of ${names.pattern}`);
    return ids;
  };
  const [getOptions, lockOptions] = [preparedOnce(table.get), preparedOnce(table.lock)];
  const findRow: InnerStore<M>['findRow'] = async (queries, name, lock) => {
    const ids = idsIn(name);
    const locked = lock && (await queries.maybeOne<Row>(table.lock, ids, lockOptions));
    return lock === undefined || locked?.['is_behind'] === true
      ? queries.maybeOne<Row>(table.get, ids, getOptions)
      : locked;
  };
  const read = async (queries: Queries, name: string, lock?: 'lock'): Promise<M> => {
    const row = await findRow(queries, name, lock);
    if (row === undefined) throw missing(name);
    return toResource(row);
  };
  const requireLive = (...resources: readonly M[]) => requireUndeleted(model, resources);
  const write = async (tx: Queries, { sql, params, written }: Write<M>): Promise<M> => {
    try {
      const [row] = await tx.query<Row>(table.returning(sql), params);
      if (row === undefined) throw missing(written.name);
      return toResource(row);
    } catch (error) {
      throw error instanceof ForeignKeyViolation ? unknownIn(model, written, error) : takenOf(model, written, error);
    }
  };
  const insertSql: Store<M>['insertSql'] = (resource) => table.insert(idsIn(resource.name), assigned(model, resource));
  const change = (tx: Queries, present: M, { fields, changes }: Change<M>): Promise<M> =>
    write(tx, {
      ...table.update(idsIn(present.name), changes),
      written: { ...present, ...fields },
    });
  return {
    select: table.select,
    columns: table.columns,
    toResource,
    findRow,
    missing,
    idsIn,
    nameOf: (...ids) => nameOf((index) => ids[index] ?? ''),
    get: (queries, name) => read(queries, name),
    async lock(tx, name, etag = '') {
      const present = await read(tx, name, 'lock');
      requireEtag(present, etag);
      return present;
    },
    requireLive,
    requireEtag,
    see: (queries, name, caller) => requireVisible(model, { queries, name, caller, missing: missing(name) }),
    async getLive(queries, name) {
      const present = await read(queries, name);
      requireLive(present);
      return present;
    },
    insertSql,
    insert: (tx, resource) => write(tx, { ...insertSql(resource), written: resource }),
    async update(tx, present, fields) {
      const changes = changesIn(model, present, fields);
      const differs = changes.length > 0 || differsElsewhere(model, present, fields);
      return differs ? change(tx, present, { fields, changes }) : present;
    },
    replace: (tx, present, fields) => change(tx, present, { fields, changes: changesIn(model, present, fields) }),
    delete: async (tx, present) => {
      if (model.has('deleteTime'))
        return write(tx, { ...table.setDeleted(idsIn(present.name), true), written: present });
      await tx.query(table.deleteRow, idsIn(present.name)).catch((error: unknown) => {
        throw error instanceof ForeignKeyViolation ? new InUse(present.name) : error;
      });
      return present;
    },
    undelete: (tx, present) => write(tx, { ...table.setDeleted(idsIn(present.name), false), written: present }),
    list: (queries, query, parents = []) =>
      listPage<Row, M>(queries, { listing: listingOf(model, table, parents), query, sizeOf: messageBytes }, toResource),
    watch: (options, watch) => watchRows(options, feedOf(model, table, toResource), watch),
  };
}

function requireUndeleted<M extends { readonly name: string }>(
  { called, definition: { whenDeleted } }: Model<M>,
  resources: readonly M[],
): void {
  const deleted = resources.filter((one) => valueIn(one, 'deleteTime') !== undefined).map(({ name }) => name);
  const [first] = deleted;
  if (first === undefined) return;
  throw whenDeleted === undefined ? new Deleted(deleted, called[0]) : new StillDeleted(first, whenDeleted);
}

/** The server parses and plans a statement with a name once a connection. */
const preparedOnce = (sql: string) => ({ name: hash('sha1', sql) });

interface Write<M> extends Statement {
  /** What the error of a unique value tells of. */
  readonly written: Partial<M> & { readonly name: string };
}

interface Viewing {
  readonly queries: Queries;
  readonly name: string;
  readonly caller: Watcher;
  readonly missing: NotFound;
}

async function requireVisible<M>(
  { names, ids, definition: { table, visibleTo } }: Model<M>,
  { queries, name, caller, missing }: Viewing,
): Promise<void> {
  const params = names.parse(name);
  if (visibleTo === undefined || params === undefined) return;
  const visible = await visibleTo.of(caller, queries);
  if (visible === undefined) return;
  const where = ids.map((column, index) => `${column} = $${index + 1}`).join(' AND ');
  const sql = `SELECT ${visibleTo.column} AS value FROM ${table} WHERE ${where}`;
  const row = await queries.maybeOne<{ value: string | null }>(sql, params, { name: `visible value of ${table}` });
  requireSeen({ visible, value: row && (row.value ?? '') }, missing);
}

interface Change<M> {
  readonly fields: Partial<M>;
  readonly changes: readonly Assigned[];
}

/** What would differ in the table. */
function changesIn<M>(model: Model<M>, present: object, fields: object): readonly Assigned[] {
  return assigned(model, fields).filter(({ field, values }) => {
    const stored = field.column.write(valueIn(present, field.description.key));
    return toText(values) !== toText(stored);
  });
}

/** The stored fields that an object has. */
function assigned<M>({ fields }: Model<M>, values: object): readonly Assigned[] {
  const set = fields.filter(
    ({ description: { key }, column }) => Object.hasOwn(values, key) && column.types.length > 0,
  );
  return set.map((field) => ({ field, values: field.column.write(valueIn(values, field.description.key)) }));
}

/** Whether fields that other tables have would differ. */
function differsElsewhere<M>(model: Model<M>, present: object, fields: object): boolean {
  return model.fields.some(
    ({ description: { key }, column }) =>
      column.types.length === 0 &&
      Object.hasOwn(fields, key) &&
      toText(valueIn(fields, key)) !== toText(valueIn(present, key)),
  );
}

function takenOf<M>(model: Model<M>, written: object, error: unknown): unknown {
  const { definition, called, fields } = model;
  const { unique = {}, table } = definition;
  if (!(error instanceof UniqueViolation)) return tooLongIn(model, written, error);
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

/** PostgreSQL refuses a row with more than an index holds: it names the index only. */
function tooLongIn<M>(model: Model<M>, written: object, error: unknown): unknown {
  if (sqlStateOf(error) !== '54000') return error;
  const { filter = [], sort = [], unique = {} } = model.definition;
  const ofUnique = Object.values(unique).flatMap((one) => (typeof one === 'string' ? one : Object.keys(one)));
  const texts = [...filter, ...sort, ...ofUnique].map((key) => ({ key, text: String(valueIn(written, key) ?? '') }));
  const [longest] = texts.sort((one, other) => other.text.length - one.text.length);
  if (longest === undefined) return error;
  const { name } = model.field(longest.key).description;
  return new TooLong(`${namesIn(model).path}.${name}`, Buffer.byteLength(longest.text));
}

/** The error of a row whose parent, or whose reference to another resource, doesn't exist: by PostgreSQL's names of the constraints. */
function unknownIn<M>(model: Model<M>, written: { readonly name: string }, error: ForeignKeyViolation): Error {
  const { definition, ids, fields } = model;
  const isOn = (...columns: readonly string[]) =>
    columns.length > 0 && error.constraint === [definition.table, ...columns, 'fkey'].join('_');
  if (isOn(...ids.slice(0, -1)))
    return new NotFound([written.name.split('/').slice(0, -2).join('/')], 'create it first');
  const field = fields.find(({ column }) => isOn(column.names[0] ?? ''))?.description;
  if (field === undefined) return error;
  return new UnknownReference(`${namesIn(model).path}.${field.name}`, String(valueIn(written, field.key)));
}
