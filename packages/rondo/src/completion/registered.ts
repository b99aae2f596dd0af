import { effectiveStatus, readSnapshot } from '@rondo/operate/internal';
import { learnSchema, whereOf } from '../call/target.js';
import type { CommandContext, Written } from '../command.js';
import type { Candidate } from '../help.js';
import { onRegistry, registeredInstances } from '../registry/locate.js';

/** The full names of registered services that begin with `word`; else their last parts that do. */
export async function completeService({ word }: Written, context: CommandContext): Promise<readonly Candidate[]> {
  const { instances } = await registeredInstances(context);
  const services = [...new Set(instances.flatMap((instance) => instance.services))].sort();
  const inFull = services.filter((service) => service.startsWith(word));
  const found =
    inFull.length > 0
      ? inFull
      : services.flatMap((service) => service.match(/[^.]+$/) ?? []).filter((name) => name.startsWith(word));
  return found.map((service) => ({ word: service }));
}

/** The arguments of an action on what has an id in a service, which alone is completed. */
export const oneOfService = {
  args: { id: '<id>', name: '[service]' },
  complete: async (written: Written, context: CommandContext): Promise<readonly Candidate[]> =>
    written.positionals.length === 0 ? [] : await completeService(written, context),
} as const;

/** Services up to the `/`, then the methods of one, which a server of the service returns by reflection. */
export async function completeMethod(written: Written, context: CommandContext): Promise<readonly Candidate[]> {
  if (written.positionals.length > 0) return []; // requests follow
  const [service = '', method] = written.word.split('/');
  if (method !== undefined) return methodsOf(service, written, context);
  const services = await completeService(written, context);
  const [only, ...others] = services;
  if (only !== undefined && others.length === 0) return methodsOf(only.word, written, context);
  return services.map(({ word }) => ({ word: `${word}/` }));
}

/** Instance ids: those of all registered instances, of the registered ones that aren't cordoned, or of the cordoned ones. */
export function completeInstances(which: 'registered' | 'uncordoned' | 'cordoned') {
  return async ({ word, positionals }: Written, context: CommandContext): Promise<readonly Candidate[]> => {
    const { listing, operatorStates } = await onRegistry(context, (registry) => readSnapshot(registry, context.signal));
    const instances = new Map(listing.instances.map((instance) => [instance.instanceId, instance]));
    const ids = which === 'cordoned' ? [...operatorStates.keys()] : [...instances.keys()];
    const wanted = ids.filter((id) => which !== 'uncordoned' || !operatorStates.has(id));
    return wanted
      .filter((id) => id.startsWith(word) && !positionals.includes(id))
      .map((id) => {
        const instance = instances.get(id);
        const standing = instance === undefined ? 'not registered' : effectiveStatus(instance);
        const parts = [standing, operatorStates.get(id)?.reason ?? '', ...(instance?.services ?? [])];
        return { word: id, about: parts.filter((part) => part !== '').join(' ') };
      });
  };
}

async function methodsOf(service: string, { values }: Written, context: CommandContext): Promise<readonly Candidate[]> {
  const where = await whereOf(values['address'], context);
  const { methods } = await learnSchema(service, { where, signal: context.signal });
  return methods.map((name) => ({ word: `${service}/${name}` }));
}
