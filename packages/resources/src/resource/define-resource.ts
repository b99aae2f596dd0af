import type { Definition, ResourceType } from './definition.js';
import { requireListable } from './lists.js';
import { namesIn } from './method-shapes.js';
import { type Model, modelOf } from './model.js';
import { requestReaders, type WithReaders } from './requests.js';
import { createStore, type InnerStore } from './store.js';

/** A resource by its contract and its definition, with its store. `Type` is the full name of its message. */
export interface Resource<M, Type extends string = string> extends InnerStore<M>, WithReaders<M> {
  readonly $type: Type;
  readonly model: Model<M>;
}

/**
 * Defines a resource: its contract says what it has, and the definition how that is stored. Rows, statements, lists, filters, etags,
 * feeds and errors follow from the two; `standardMethods` has the handlers.
 *
 * @param type the generated message. A field that it doesn't have is an error of the compiler.
 * @throws TypeError if the definition doesn't fit the contract.
 */
export function defineResource<M extends { readonly name: string }, Type extends string>(
  type: ResourceType<M> & { readonly $type: Type },
  definition: Definition<NoInfer<M>>,
): Resource<M, Type> {
  const model = modelOf<M>(type, definition);
  requireListable(model);
  return { ...createStore(model), $type: type.$type, model, readers: requestReaders(model, namesIn(model)) };
}
