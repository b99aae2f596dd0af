import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { listInstances, type RegistryConnection, reach, registryOver, type Snapshot } from '@rondo/operate/internal';
import { LiveSettings } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import { knownServices, matchServices } from '@rondo/schema';
import { withChannel } from '../channels.js';
import type { CommandContext } from '../command.js';
import { UsageError } from '../errors.js';
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

export const onRegistry = async <T>(here: Here, work: (registry: RegistryConnection) => Promise<T>): Promise<T> =>
  withRegistry(await registryAddresses(here), work);

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

/**
 * The service that `name` means; undefined if there is none.
 *
 * @throws UsageError that lists the candidates if there are several.
 */
export function matchService(name: string, services: readonly string[]): string | undefined {
  const [service, ...others] = matchServices(name, services);
  if (service === undefined || others.length === 0) return service;
  throw new UsageError(`"${name}" may be any of ${[service, ...others].join(', ')}: write more of the name`);
}

/**
 * The registered service that `name` means.
 *
 * @throws UsageError if there are several, RpcError `UNAVAILABLE` if there is none.
 */
export function registeredService(name: string, { instances, warming }: Listed): string {
  const services = [...new Set(instances.flatMap((instance) => instance.services))];
  const service = matchService(name, services);
  if (service !== undefined) return service;
  const note = warming ? '. The registry has only just started: it may still come back' : '';
  const message = `no instance of "${name}" is registered. ${knownServices(name, services)}${note}`;
  throw new RpcError(Status.UNAVAILABLE, message);
}

type Listed = Pick<Snapshot['listing'], 'instances' | 'warming'>;

type Call<T> = (client: RegistryConnection['settings'], options: { readonly signal: AbortSignal }) => Promise<T>;

/** Calls the settings in the registry of a command. If the call fails, the error names the registry's addresses. */
export const onSettings = async <T>(context: CommandContext, call: Call<T>): Promise<T> =>
  onRegistry(context, ({ settings, addresses }) => reach(addresses, call(settings, { signal: context.signal })));

/** The settings that change how a client makes its calls; none if the registry keeps none. */
export async function callSettings(addresses: readonly string[], signal: AbortSignal): Promise<LiveSettings['calls']> {
  try {
    const { settings } = await withRegistry(addresses, (registry) =>
      reach(addresses, registry.settings.listSettings({}, { signal })),
    );
    return new LiveSettings(settings).calls;
  } catch (error) {
    // A registry of an earlier version, or none that answers now: the command itself says so if it matters.
    if (error instanceof RpcError && !signal.aborted) return new LiveSettings([]).calls;
    throw error;
  }
}
