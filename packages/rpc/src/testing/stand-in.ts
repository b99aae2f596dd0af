import type { ServiceDefinition } from '../contract/index.js';
import { type AnyHandler, type Handlers, type ServiceImplementation, unimplemented } from '../server/index.js';

/**
 * A service as far as a test needs it: what `handlers` leaves out answers `UNIMPLEMENTED`, so that a method that is added
 * to the contract breaks no test that has no use for it.
 */
export function standIn<D extends ServiceDefinition>(
  definition: D,
  handlers: Partial<Handlers<NoInfer<D>>>,
): ServiceImplementation {
  const left = unimplemented(`the stand-in for ${definition.fullName}`);
  const all: Record<string, AnyHandler> = {};
  for (const name of Object.keys(definition.methods)) all[name] = left;
  return { definition, handlers: { ...all, ...handlers } };
}
