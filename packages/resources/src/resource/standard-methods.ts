import type { MethodDefinition, ServiceDefinition } from '@rondo/rpc/internal';
import type { Handlers } from '@rondo/rpc/server';
import { createStatusMapping } from '../status.js';
import type { Resource } from './define-resource.js';
import type { Handler, Hooks, ResourceContext, Served } from './hooks.js';
import { hasField, namesIn, requireShapes } from './method-shapes.js';
import { getHandler, listHandler } from './reads.js';
import { requestReaders } from './requests.js';
import { watchHandler } from './watch.js';
import { createHandler, deleteHandler, undeleteHandler, updateHandler } from './writes.js';

type ShortName<Type extends string> = Type extends `${string}.${infer Rest}` ? ShortName<Rest> : Type;

/** The plural of a resource, by the method that lists it: `Tasks` of `listTasks`. */
type PluralOf<D extends ServiceDefinition, M> = {
  [K in keyof D['methods']]: K extends `list${infer Many}`
    ? ItemOf<D['methods'][K], Uncapitalize<Many>> extends infer Item
      ? [Item, M] extends [M, Item]
        ? Many
        : never
      : never
    : never;
}[keyof D['methods']];

/** What a list method's reply has many of. */
type ItemOf<Method extends MethodDefinition, Key extends string> = Method['responseType'] extends {
  decode(bytes: Uint8Array): { readonly [K in Key]: readonly (infer Item)[] };
}
  ? Item
  : undefined;

type Verb = 'create' | 'get' | 'update' | 'delete' | 'undelete';

/** The standard methods that a contract has for a resource, by their names in code. */
export type StandardKey<D extends ServiceDefinition, M, Type extends string> = Extract<
  keyof D['methods'],
  `${Verb}${ShortName<Type>}` | `${'list' | 'watch'}${PluralOf<D, M>}`
>;

/**
 * The handlers of the standard methods of a resource (AIP-131 to 135, and 164): those of Get, List, Create, Update, Delete, Undelete
 * and Watch that the contract has. Spread them into `implement`, with the other methods next to them, or in place of one of them.
 *
 * @throws TypeError if a method of `definition` doesn't have the form of the standard: leave it out of the `methods`, and write it by hand.
 */
export function standardMethods<D extends ServiceDefinition, M extends { readonly name: string }, Type extends string>(
  definition: D,
  resource: Resource<M, Type>,
  options: ResourceContext & Hooks<M>,
): Pick<Handlers<D>, StandardKey<D, M, Type>> {
  const names = namesIn(resource.model);
  requireShapes(definition, resource.model);
  const { errors = createStatusMapping(definition.fullName.split('.')[0] ?? '') } = options;
  const served: Served<M> = { resource, options, errors };
  const readers = requestReaders(resource.model, names, options.check);
  const { One, Many } = names;
  const handlers: Readonly<Record<string, (method: MethodDefinition) => Handler>> = {
    [`get${One}`]: () => getHandler(served, readers),
    [`list${Many}`]: () => listHandler(served),
    [`create${One}`]: () => createHandler(served, readers),
    [`update${One}`]: () => updateHandler(served, readers),
    [`delete${One}`]: ({ responseType }) => deleteHandler(served, readers, hasField(responseType, 'name')),
    [`undelete${One}`]: () => undeleteHandler(served, readers),
    [`watch${Many}`]: (method) => watchHandler(served, method),
  };
  const made = Object.entries(handlers).flatMap(([key, make]) => {
    const method = Object.hasOwn(definition.methods, key) ? definition.methods[key] : undefined;
    return method === undefined ? [] : [[key, make(method)] as const];
  });
  // The shapes have been compared with the contract, from which the type follows.
  return Object.fromEntries(made) as unknown as Pick<Handlers<D>, StandardKey<D, M, Type>>;
}
