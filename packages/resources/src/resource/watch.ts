import { callPrincipal, type ServerCall } from '@rondo/rpc/call';
import type { MethodDefinition } from '@rondo/rpc/internal';
import { type FieldAt, validate } from '@rondo/rpc/status';
import { ownNames } from './column.js';
import type { ResourceEvent } from './feed.js';
import type { Handler, Served } from './hooks.js';
import { valueIn } from './json-column.js';
import { hasField, type Names, namesIn, narrowingReference } from './method-shapes.js';
import type { Model } from './model.js';
import { parentsIn, textIn } from './requests.js';

/** The handler of a watch. If its request names a parent, or a resource to which the watched ones refer, it is of those only. */
export function watchHandler<M extends { readonly name: string }>(
  served: Served<M>,
  method: MethodDefinition,
): Handler {
  const { resource, options, errors } = served;
  const { database, sync } = options;
  if (sync === undefined) throw new TypeError(`${method.name} needs \`sync\`, which has the changes`);
  requireUnmarked(resource.model, method);
  const names = namesIn(resource.model);
  const narrowed = narrowing(resource.model, method);
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

/** What changes have of rows besides their columns. */
const MARKS = ['removed', 'handover'];

function requireUnmarked<M>({ definition: { changed = {} }, fields }: Model<M>, { name }: MethodDefinition): void {
  const columns = fields.flatMap(({ column }) => ownNames(column)).map((column) => changed[column] ?? column);
  const marked = columns.find((column) => MARKS.includes(column));
  if (marked === undefined) return;
  const remedy = `store the field in another column, by columns of the definition, such as ${marked}_value`;
  throw new TypeError(`${name}: the column ${marked} has the name of a mark in changes; ${remedy}`);
}

/** The column by which a watch is narrowed, and its value for a request; undefined for all. */
interface Narrowing {
  readonly column: string;
  of(request: object, field: FieldAt): string | undefined;
}

function narrowing<M>(model: Model<M>, { requestType }: MethodDefinition): Narrowing | undefined {
  if (hasField(requestType, 'parent')) {
    return {
      column: model.ids[0] ?? '',
      of: (request, field) => parentsIn(model, field, { parent: textIn(request, 'parent'), ofAll: true })[0],
    };
  }
  const reference = narrowingReference(model, requestType);
  if (reference === undefined) return undefined;
  const { column, description } = reference;
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
