import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { listInstances, type RegistryConnection, registryOver, type Snapshot } from '@rondo/operate/internal';
import { withChannel } from '../channels.js';
import type { CommandContext } from '../command.js';
import { registryOn } from '../launcher.js';
import { DEFAULT_REGISTRY, parseAddresses } from '../options.js';
import { kindOf } from './other-kind.js';

/** What decides which registry a command calls. */
type Here = Pick<CommandContext, 'registry' | 'environment' | 'dataDirectory' | 'repository' | 'signal'>;

/** Another system has the address that a command would call. */
export class ForeignRegistry extends Error {
  constructor(address: string, system: string) {
    const remedy = `start this one (npm start -- --port-base 51050), or name the other: --registry ${address}`;
    super(`none runs here, and ${address} is the registry of another system, ${system}; ${remedy}`);
  }
}

/**
 * The registry's addresses, or the URL of one of another kind: those of the option, else of the environment, else of the system that runs in this workspace, else the default.
 *
 * @throws ForeignRegistry if none runs here, and another system has the default address.
 */
export async function registryAddresses(here: Here): Promise<readonly string[]> {
  if (here.registry !== undefined) return parse('--registry', here.registry);
  const variable = here.environment['RONDO_REGISTRY']?.trim() ?? '';
  if (variable !== '') return parse('RONDO_REGISTRY', variable);
  const own = await registryOn(here.dataDirectory);
  if (own === undefined) await refuseForeign(DEFAULT_REGISTRY, here);
  return [own ?? DEFAULT_REGISTRY];
}

/** Runs `work` with a connection to the registry, at the first of its addresses that answers, and closes it. */
export const withRegistry = <T>(
  addresses: readonly string[],
  work: (registry: RegistryConnection) => Promise<T>,
): Promise<T> => withChannel(addresses, (channel) => work(registryOver(channel, addresses)));

/** Runs `work` with a connection to the registry that a command calls. */
export const onRegistry = async <T>(here: Here, work: (registry: RegistryConnection) => Promise<T>): Promise<T> =>
  withRegistry(await registryAddresses(here), work);

/** The instances in the registry that a command calls. */
export const registeredInstances = (here: Here): Promise<Snapshot['listing']> =>
  onRegistry(here, (registry) => listInstances(registry, here));

const parse = (source: string, text: string) =>
  kindOf(source, text) === undefined ? parseAddresses(source, text) : [text];

/**
 * Refuses a registry that says that it is part of another system than this workspace's, which has the folder or, in containers, the
 * name of the workspace. An image has no workspace.
 */
export async function refuseForeign(address: string, { repository, signal }: Here): Promise<void> {
  const manifest = path.join(repository, 'package.json');
  if (!existsSync(manifest)) return;
  const system = await withRegistry([address], ({ client }) => client.listServices({}, { signal })).then(
    (answer) => answer.system,
    () => '', // the command itself says why it can't be called
  );
  const { name } = JSON.parse(readFileSync(manifest, 'utf8'));
  if (['', name, path.resolve(repository)].includes(system)) return;
  throw new ForeignRegistry(address, system);
}
