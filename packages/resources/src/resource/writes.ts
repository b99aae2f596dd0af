import { callPrincipal, type ServerCall } from '@rondo/rpc/call';
import { reading } from '@rondo/rpc/server';
import type { At, Handler, Named, Served } from './hooks.js';
import { valueIn } from './json-column.js';
import { asStatus, getSeen } from './reads.js';
import { type CreateRequest, type RequestReaders, requireRules, type UpdateRequest } from './requests.js';
import { requireAssignable } from './visibility.js';

/** An update, in the order in which its errors come: `INVALID_ARGUMENT` by the reader, and then as below. */
export function updateHandler<M extends Named>(
  served: Served<M>,
  { update: read, deferred }: RequestReaders<M>,
): Handler {
  const { resource, options } = served;
  const { update } = options;
  if (update !== undefined) return reading(read, (request, call) => asStatus(served, call, update(request, call)));
  const handle = (request: UpdateRequest<M>, call: ServerCall) => {
    const { name, etag } = request;
    return inTransaction(served, call, async (at) => {
      const present = await lockSeen(served, name, at); // NOT_FOUND, also if it is out of the caller's sight
      const fields = request.fieldsFor(present);
      await requireRules(resource.model, present, fields);
      await ownerOf(served, { resource: name, fields, isNew: false }, at); // PERMISSION_DENIED
      resource.requireLive(present); // NOT_FOUND or FAILED_PRECONDITION
      resource.requireEtag(present, etag); // ABORTED
      const more = await options.beforeUpdate?.(present, fields, at);
      const changed = await resource.update(at.tx, present, { ...fields, ...more }); // ALREADY_EXISTS
      return changed === present ? present : written(served, changed, at);
    });
  };
  return reading(read, handle, deferred);
}

export function createHandler<M extends Named>(served: Served<M>, { create: read }: RequestReaders<M>): Handler {
  const { options } = served;
  return reading(read, (request, call) => {
    if (options.create !== undefined) return asStatus(served, call, options.create(request, call));
    return inTransaction(served, call, (at) => create(served, request, at));
  });
}

async function create<M extends Named>(
  served: Served<M>,
  { parents, id, fields }: CreateRequest<M>,
  at: At,
): Promise<M> {
  const { resource, options } = served;
  const name = resource.nameOf(...parents, id === '' ? options.newId() : id);
  const owner = await ownerOf(served, { resource: name.slice(0, name.lastIndexOf('/')), fields, isNew: true }, at);
  const draft = { ...fields, ...owner, name };
  const more = await options.beforeCreate?.(draft, at);
  return written(served, await resource.insert(at.tx, { ...draft, ...more }), at);
}

/** Deletes a resource. A deleted one is returned as it is. @param repliesIt whether the contract replies the resource. */
export function deleteHandler<M extends Named>(
  served: Served<M>,
  { name: read }: RequestReaders<M>,
  repliesIt: boolean,
): Handler {
  const { resource, options } = served;
  return reading(read, async ({ name, etag }, call) => {
    const deleted = await inTransaction(served, call, async (at) => {
      const present = await lockSeen(served, name, at);
      if (valueIn(present, 'deleteTime') !== undefined) return present;
      resource.requireEtag(present, etag);
      await options.beforeDelete?.(present, at);
      return written(served, await resource.delete(at.tx, present), at);
    });
    return repliesIt ? deleted : {};
  });
}

/** Undeletes a resource. One that isn't deleted is returned as it is. */
export function undeleteHandler<M extends Named>(served: Served<M>, { name: read }: RequestReaders<M>): Handler {
  const { resource, options } = served;
  return reading(read, ({ name, etag }, call) =>
    inTransaction(served, call, async (at) => {
      const present = await lockSeen(served, name, at);
      if (valueIn(present, 'deleteTime') === undefined) return present;
      resource.requireEtag(present, etag);
      await options.beforeUndelete?.(present, at);
      return written(served, await resource.undelete(at.tx, present), at);
    }),
  );
}

/** Runs `work` in the transaction of the call, whose reply it returns. */
async function inTransaction<M, T>(served: Served<M>, call: ServerCall, work: (at: At) => Promise<T>): Promise<T> {
  const { database, sync } = served.options;
  const transaction = database.transaction((tx) => work({ tx, call }));
  const reply = await asStatus(served, call, transaction);
  sync?.nudge();
  return reply;
}

const lockSeen = <M>(served: Served<M>, name: string, { tx, call }: At): Promise<M> =>
  getSeen(served, name, { call, queries: tx, lock: 'lock' });

/** What the call replies. */
const written = async <M>({ options }: Served<M>, resource: M, at: At): Promise<M> =>
  (await options.afterWrite?.(resource, at)) ?? resource;

interface Assigning<M> {
  readonly resource: string;
  readonly fields: Partial<M>;
  readonly isNew: boolean;
}

/** What decides who sees a resource: the caller's own by default. @throws NotPermitted */
async function ownerOf<M>(
  served: Served<M>,
  { resource, fields, isNew }: Assigning<M>,
  { call, tx }: At,
): Promise<object> {
  const { model } = served.resource;
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
