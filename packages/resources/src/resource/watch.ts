import { callPrincipal, type ServerCall } from '@rondo/rpc/call';
import type { MethodDefinition } from '@rondo/rpc/internal';
import { type FieldAt, validate } from '@rondo/rpc/status';
import type { ResourceEvent } from './feed.js';
import type { Handler, Served } from './hooks.js';
import { valueIn } from './json-column.js';
import { hasField, type Names, namesIn } from './method-shapes.js';
import type { Model } from './model.js';
import { parentsIn, textIn } from './requests.js';

/**
 * The handler of a watch. If its request names a parent, or a resource to which the watched ones refer, it is of those only.
 *
 * @throws TypeError if an update, which the contract may have, can change that reference: the watch couldn't tell that a resource left it.
 */
export function watchHandler<M extends { readonly name: string }>(
  served: Served<M>,
  method: MethodDefinition,
  hasUpdate: boolean,
): Handler {
  const { resource, options, errors } = served;
  const { database, sync } = options;
  if (sync === undefined) throw new TypeError(`${method.name} needs \`sync\`, which has the changes`);
  const names = namesIn(resource.model);
  const narrowed = narrowing(resource.model, method, hasUpdate);
  return (request: { readonly resumeToken: string }, { signal, values }: ServerCall) => {
    const { resumeToken } = request;
    const value = validate((field) => narrowed?.of(request, field));
    const of = narrowed && value !== undefined ? { column: narrowed.column, value } : undefined;
    const fromNow = valueIn(request, 'fromNow') === true;
    const watch = { of, watcher: values.get(callPrincipal), fromNow, resumeToken, signal };
    const events = resource.watch({ sync, queries: database }, watch);
    return errors.streamWithRpcErrors(events, (event) => messageOf(event, names));
  };
}

/** The column by which a watch is narrowed, and its value for a request; undefined for all. */
interface Narrowing {
  readonly column: string;
  of(request: object, field: FieldAt): string | undefined;
}

function narrowing<M>(
  model: Model<M>,
  { name, requestType }: MethodDefinition,
  hasUpdate: boolean,
): Narrowing | undefined {
  const { fields, ids } = model;
  if (hasField(requestType, 'parent')) {
    const [column, ...more] = ids.slice(0, -1);
    if (column === undefined || more.length > 0)
      throw new TypeError(`${name} has more than one parent: write it by hand`);
    return {
      column,
      of: (request, field) => parentsIn(model, field, { parent: textIn(request, 'parent'), ofAll: true })[0],
    };
  }
  const referring = fields.find(
    ({ description: { key }, column }) => column.filter?.kind === 'name' && hasField(requestType, key),
  );
  if (referring === undefined) return undefined;
  const { column, description, isUpdatable } = referring;
  if (hasUpdate && isUpdatable)
    throw new TypeError(
      `${name} is of the resources with one ${description.name}, which an update can change: mark ${description.name} as IMMUTABLE, or write the watch by hand`,
    );
  return {
    column: column.names[0] ?? '',
    of(request, field) {
      const value = textIn(request, description.key);
      column.check?.(field, description.name, value);
      const [id] = column.write(value);
      return typeof id === 'string' ? id : undefined;
    },
  };
}

function messageOf<M extends { readonly name: string }>(event: ResourceEvent<M>, { one, many }: Names) {
  const { resumeToken } = event;
  if (event.kind === 'snapshot') {
    const { items, first, more } = event;
    return { event: { $case: 'snapshot', value: { [many]: items, first, more } }, resumeToken };
  }
  if (event.kind === 'removed') return { event: { $case: `${one}Deleted`, value: event.item.name }, resumeToken };
  return { event: { $case: `${one}Changed`, value: event.item }, resumeToken };
}
