import type { Queries } from '@rondo/database';
import { callPrincipal, type ServerCall } from '@rondo/rpc/call';
import { reading } from '@rondo/rpc/server';
import type { FieldAt } from '@rondo/rpc/status';
import { Missing, NotVisible } from '../domain/errors.js';
import { hiddenByRule, type ListRequest, nextPageToken, readList } from '../list.js';
import type { Handler, Named, Served } from './hooks.js';
import { valueIn } from './json-column.js';
import { listOf } from './lists.js';
import { namesIn } from './method-shapes.js';
import { parentsIn, type RequestReaders, textIn } from './requests.js';
import { requireSeen, type Visible } from './visibility.js';

export function getHandler<M extends Named>(served: Served<M>, { name: read }: RequestReaders<M>): Handler {
  const { database } = served.options;
  return reading(read, ({ name }, call) => asStatus(served, call, getSeen(served, name, { call, queries: database })));
}

export function listHandler<M>(served: Served<M>): Handler {
  const { resource, options } = served;
  const { model } = resource;
  const { many } = namesIn(model);
  const read = (message: Omit<ListRequest, 'filter'>, field: FieldAt) => {
    const parent = textIn(message, 'parent');
    const list = listOf(model, parent === '' ? many : `${parent}/${many}`);
    const request: ListRequest = { ...message, filter: textIn(message, 'filter') };
    const parents = parentsIn(model, field, { parent, ofAll: true });
    return { request, list, parents, query: readList(field, list, request) };
  };
  const handle = async ({ request, list, parents, query }: ReturnType<typeof read>, call: ServerCall) => {
    const visible = await visibleOf(served, { call, queries: options.database });
    const page = await resource.list(options.database.reads, { ...query, visible }, parents);
    const { items, next } = (await options.afterList?.(page, { parents, query }, call)) ?? page;
    return { [many]: items, nextPageToken: nextPageToken(list, request, next) };
  };
  return reading(read, (request, call) => asStatus(served, call, handle(request, call)));
}

async function visibleOf<M>(
  { resource }: Served<M>,
  { call, queries }: { call: ServerCall; queries: Queries },
): Promise<Visible> {
  const principal = call.values.get(callPrincipal);
  return principal && resource.model.definition.visibleTo?.of(principal, queries);
}

interface Reading {
  readonly call: ServerCall;
  readonly queries: Queries;
  readonly lock?: 'lock';
}

/** The resource, if the caller sees it. @throws NotFound, NotVisible */
export async function getSeen<M>(served: Served<M>, name: string, at: Reading): Promise<M> {
  const { resource } = served;
  const { visibleTo } = resource.model.definition;
  const visible = await visibleOf(served, at);
  const row = await resource.findRow(at.queries, name, at.lock);
  if (row === undefined) throw resource.missing(name);
  if (visibleTo !== undefined)
    requireSeen({ visible, value: String(valueIn(row, visibleTo.column) ?? '') }, resource.missing(name));
  return resource.toResource(row);
}

/** Resolves as `work` does; throws the gRPC status of the error that it rejects with. */
export async function asStatus<M, T>({ errors }: Served<M>, call: ServerCall, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof NotVisible)
      call.values.set(hiddenByRule, error.cause instanceof Missing ? error.cause.resources[0] : '');
    throw errors.toRpcError(error);
  }
}
