import type { Queries, Transaction } from '@rondo/database';
import { callPrincipal, type ServerCall } from '@rondo/rpc/call';
import type { MethodDefinition, ServiceDefinition } from '@rondo/rpc/internal';
import { reading } from '@rondo/rpc/server';
import type { FieldAt } from '@rondo/rpc/status';
import type { Sync } from '@rondo/sync';
import { Missing, OutOfSight } from '../domain/errors.js';
import type { ListQuery, Page } from '../domain/list.js';
import { hiddenByRule, type ListRequest, nextPageToken, readList, sightByRule } from '../list.js';
import type { StoreDatabase } from '../sql/store-database.js';
import { createStatusMapping, type StatusMapping } from '../status.js';
import type { Resource } from './define-resource.js';
import { valueIn } from './json-column.js';
import { listOf } from './listing-of.js';
import { hasField, namesIn } from './method-shapes.js';
import {
  type CheckFields,
  type CreateRequest,
  parentsIn,
  requestReaders,
  textIn,
  type UpdateRequest,
} from './requests.js';
import { requireAssignable, requireSeen, type Sight } from './visibility.js';
import { watchHandler } from './watch.js';

/** What the methods of all resources of a service work with. */
export interface ResourceContext {
  /** With the audit over it, if calls are audited. */
  readonly database: StoreDatabase;
  /** For resources that are watched. */
  readonly sync?: Pick<Sync, 'watch' | 'nudge'>;
  /** The statuses of the service's errors; by default those of the kinds of errors. */
  readonly errors?: StatusMapping;
  /** Makes an id: unguessable, of lower-case letters, digits and hyphens. */
  readonly newId: () => string;
}

/** Where a hook runs: in the transaction of the call, which it may fail. It may run again after a conflict. */
export interface At {
  readonly tx: Transaction;
  readonly call: ServerCall;
}

/** Rules of one's own in the standard methods. What a `before…` returns is written, too. */
export interface Hooks<M> {
  /** Reports what is wrong with fields in a create or an update, beyond the rules of the contract. */
  readonly check?: CheckFields<M>;
  /** In place of the standard create or update, such as to ask another service before the transaction. It checks who may. */
  readonly create?: (request: CreateRequest<M>, call: ServerCall) => Promise<M>;
  readonly update?: (request: UpdateRequest<M>, call: ServerCall) => Promise<M>;
  /** Has the last word on a page of a list, such as that there is no such parent. */
  readonly afterList?: (page: Page<M>, asked: AskedPage, call: ServerCall) => Promise<Page<M>>;
  readonly beforeCreate?: (draft: Partial<M> & { readonly name: string }, at: At) => Changes<M>;
  readonly beforeUpdate?: (present: M, fields: Partial<M>, at: At) => Changes<M>;
  readonly beforeDelete?: (present: M, at: At) => Promise<void>;
  readonly beforeUndelete?: (present: M, at: At) => Promise<void>;
  /** After each write. It returns the reply. */
  readonly afterWrite?: (written: M, at: At) => Promise<M>;
}

/** Which page of a list was requested. */
export interface AskedPage {
  /** The ids of the parents; none for the resources of all parents. */
  readonly parents: readonly string[];
  readonly query: ListQuery;
}

type Changes<M> = Promise<Partial<M> | undefined>;

/** A handler of any method. */
export type Handler = (request: never, call: ServerCall) => unknown;

/** What the handlers of one resource share. */
export interface Parts<M> {
  readonly resource: Resource<M>;
  readonly options: ResourceContext & Hooks<M>;
  readonly errors: StatusMapping;
}

interface Named {
  readonly name: string;
}

/** The handler of each standard method, made for the method of a contract. */
export function createHandlers<M extends Named>(
  { fullName }: ServiceDefinition,
  resource: Resource<M>,
  options: ResourceContext & Hooks<M>,
): Readonly<
  Record<'get' | 'list' | 'create' | 'update' | 'delete' | 'undelete' | 'watch', (method: MethodDefinition) => Handler>
> {
  const { errors = createStatusMapping(fullName.split('.')[0] ?? '') } = options;
  const parts: Parts<M> = { resource, options, errors };
  const readers = requestReaders(resource.model, namesIn(resource.model), options.check);
  return {
    get: () =>
      reading(readers.name, ({ name }, call) =>
        told(parts, call, getSeen(parts, name, { call, queries: options.database })),
      ),
    list: () => listHandler(parts),
    create: () =>
      reading(readers.create, (request, call) => {
        if (options.create !== undefined) return told(parts, call, options.create(request, call));
        return write(parts, call, (at) => create(parts, request, at));
      }),
    update: () =>
      reading(readers.update, (request, call) => {
        if (options.update !== undefined) return told(parts, call, options.update(request, call));
        return write(parts, call, (at) => update(parts, request, at));
      }),
    delete: ({ responseType }) =>
      reading(readers.name, async (request, call) => {
        const deleted = await write(parts, call, (at) => remove(parts, request, at));
        return hasField(responseType, 'name') ? deleted : {};
      }),
    undelete: () => reading(readers.name, (request, call) => write(parts, call, (at) => undelete(parts, request, at))),
    watch: (method) => watchHandler(parts, method),
  };
}

/** Throws the statuses of errors. */
async function told<M, T>({ errors }: Parts<M>, call: ServerCall, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof OutOfSight)
      call.values.set(hiddenByRule, error.cause instanceof Missing ? error.cause.resources[0] : '');
    throw errors.toRpcError(error);
  }
}

/** Runs `work` in the transaction of the call, whose reply it returns. */
async function write<M, T>(parts: Parts<M>, call: ServerCall, work: (at: At) => Promise<T>): Promise<T> {
  const { database, sync } = parts.options;
  const reply = await told(
    parts,
    call,
    database.transaction((tx) => work({ tx, call })),
  );
  sync?.nudge();
  return reply;
}

async function sightOf<M>(
  { resource }: Parts<M>,
  { call, queries }: { call: ServerCall; queries: Queries },
): Promise<Sight> {
  const principal = call.values.get(callPrincipal);
  return principal && resource.model.definition.visibleTo?.of(principal, queries);
}

interface Reading {
  readonly call: ServerCall;
  readonly queries: Queries;
  readonly lock?: 'lock';
}

/** The resource, if the caller sees it. @throws NotFound, OutOfSight */
async function getSeen<M>(parts: Parts<M>, name: string, at: Reading): Promise<M> {
  const { resource } = parts;
  const { visibleTo } = resource.model.definition;
  const sight = await sightOf(parts, at);
  const row = await resource.findRow(at.queries, name, at.lock);
  if (row === undefined) throw resource.missing(name);
  if (visibleTo !== undefined)
    requireSeen({ sight, value: String(valueIn(row, visibleTo.column) ?? '') }, resource.missing(name));
  return resource.toResource(row);
}

function listHandler<M>(parts: Parts<M>): Handler {
  const { resource, options } = parts;
  const { model } = resource;
  const { many } = namesIn(model);
  const hasSight = model.definition.visibleTo !== undefined;
  const read = (message: Omit<ListRequest, 'filter'>, field: FieldAt) => {
    const parent = textIn(message, 'parent');
    const list = listOf(model, parent === '' ? many : `${parent}/${many}`);
    const request: ListRequest = { ...message, filter: textIn(message, 'filter') };
    const parents = parentsIn(model, field, { parent, ofAll: true });
    return { request, list, parents, query: readList(field, list, request) };
  };
  const handle = async ({ request, list, parents, query }: ReturnType<typeof read>, call: ServerCall) => {
    const sight = hasSight ? await sightOf(parts, { call, queries: options.database }) : call.values.get(sightByRule);
    const page = await resource.list(options.database.reads, { ...query, sight }, parents);
    const { items, next } = (await options.afterList?.(page, { parents, query }, call)) ?? page;
    return { [many]: items, nextPageToken: nextPageToken(list, request, next) };
  };
  return reading(read, (request, call) => told(parts, call, handle(request, call)));
}

async function create<M extends Named>(parts: Parts<M>, { parents, id, fields }: CreateRequest<M>, at: At): Promise<M> {
  const { resource, options } = parts;
  const name = resource.nameOf(...parents, id === '' ? options.newId() : id);
  const owned = await assign(parts, { resource: name.slice(0, name.lastIndexOf('/')), fields, isNew: true }, at);
  const draft = { ...fields, ...owned, name };
  const more = await options.beforeCreate?.(draft, at);
  const made = await resource.insert(at.tx, { ...draft, ...more });
  return (await options.afterWrite?.(made, at)) ?? made;
}

interface Assigning<M> {
  readonly resource: string;
  readonly fields: Partial<M>;
  readonly isNew: boolean;
}

/** What decides who sees a resource: the caller's own by default. @throws NotPermitted */
async function assign<M>(
  parts: Parts<M>,
  { resource, fields, isNew }: Assigning<M>,
  { call, tx }: At,
): Promise<object> {
  const { model } = parts.resource;
  const { visibleTo } = model.definition;
  const principal = call.values.get(callPrincipal);
  const field = model.fields.find(({ column }) => column.names[0] === visibleTo?.column);
  if (visibleTo === undefined || principal === undefined || field === undefined) return {};
  const { key, name } = field.description;
  if (!isNew && !Object.hasOwn(fields, key)) return {};
  const value = String(valueIn(fields, key) ?? '') || (isNew ? ((await visibleTo.own(principal, tx)) ?? '') : '');
  const what = `the ${name.replaceAll('_', ' ')} of a ${model.called[0]}`;
  requireAssignable(await visibleTo.of(principal, tx), visibleTo, { resource, what, value });
  return { [key]: value };
}

async function update<M extends Named>(parts: Parts<M>, { name, etag, fields }: UpdateRequest<M>, at: At): Promise<M> {
  const { resource, options } = parts;
  const present = await getSeen(parts, name, { ...at, queries: at.tx, lock: 'lock' });
  await assign(parts, { resource: name, fields, isNew: false }, at);
  resource.requireLive(present);
  resource.requireEtag(present, etag);
  const more = await options.beforeUpdate?.(present, fields, at);
  const changed = await resource.update(at.tx, present, { ...fields, ...more });
  return changed === present ? present : ((await options.afterWrite?.(changed, at)) ?? changed);
}

/** Deletes a resource. A deleted one is returned as it is. */
async function remove<M extends Named>(
  parts: Parts<M>,
  { name, etag }: { name: string; etag: string },
  at: At,
): Promise<M> {
  const { resource, options } = parts;
  const present = await getSeen(parts, name, { ...at, queries: at.tx, lock: 'lock' });
  if (valueIn(present, 'deleteTime') !== undefined) return present;
  resource.requireEtag(present, etag);
  await options.beforeDelete?.(present, at);
  const deleted = await resource.delete(at.tx, present);
  return (await options.afterWrite?.(deleted, at)) ?? deleted;
}

/** Undeletes a resource. One that isn't deleted is returned as it is. */
async function undelete<M extends Named>(
  parts: Parts<M>,
  { name, etag }: { name: string; etag: string },
  at: At,
): Promise<M> {
  const { resource, options } = parts;
  const present = await getSeen(parts, name, { ...at, queries: at.tx, lock: 'lock' });
  if (valueIn(present, 'deleteTime') === undefined) return present;
  resource.requireEtag(present, etag);
  await options.beforeUndelete?.(present, at);
  const back = await resource.undelete(at.tx, present);
  return (await options.afterWrite?.(back, at)) ?? back;
}
