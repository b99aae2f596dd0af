import { addressOf, type Gatherer, isPicked, listInstances, reasonOf } from '@rondo/operate/internal';
import { Metadata } from '@rondo/rpc/call';
import { fixedEndpoint } from '@rondo/rpc/client';
import type { BalancingOverrides } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import {
  createDynamicClient,
  type DynamicMethodClient,
  knownServices,
  reflectedContract,
  reflectionContracts,
  type Schema,
} from '@rondo/schema';
import { endpointsOf, gathererOf, openChannel, openRegistryChannel, reachOf } from '../channels.js';
import type { CommandContext } from '../command.js';
import { balancingOverrides, type Connections, callerZone } from '../environment.js';
import { UsageError } from '../errors.js';
import { parseTarget, resolverAt } from '../options.js';
import { callSettings, matchService, registeredService, registryAddresses, withRegistry } from '../registry/locate.js';

/** Services are looked up in the registry. */
export interface RegistryLookup {
  readonly by: 'registry';
  readonly registry: readonly string[];
  /** Balancing that outranks the contracts. */
  readonly balancing?: BalancingOverrides;
  readonly zone?: string;
}

/** Where to look for a service: in the registry, or at addresses, of which one may be a `dns:` target. */
export type Where = RegistryLookup | { readonly by: 'address'; readonly addresses: readonly string[] };

export interface TargetOptions {
  readonly where: Where;
  readonly connections?: Connections;
  /** Sent with the reflection calls that fetch the contract. */
  readonly metadata?: Metadata;
  readonly signal: AbortSignal;
}

/** Parses `calculator.v1.CalculatorService/Add`; the method may be missing. */
export function parseMethodName(text: string): { readonly service: string; readonly method: string | undefined } {
  const [, service, method] = /^\/?([\w.]+)(?:\/(\w+))?$/.exec(text) ?? [];
  if (service === undefined) {
    throw new UsageError(
      `"${text}": must be a service, or service/method, such as calculator.v1.CalculatorService/Add`,
    );
  }
  return { service, method };
}

/** Where to look for a service: at the addresses of `--address`, else in the registry. */
export const whereOf = async (address: string | undefined, context: CommandContext): Promise<Where> =>
  address === undefined
    ? { by: 'registry', registry: await registryAddresses(context) }
    : { by: 'address', addresses: parseTarget(address) };

/** {@link whereOf} of a command that calls methods, balanced as the environment says. */
export async function callsTo(address: string | undefined, context: CommandContext): Promise<Where> {
  const { environment } = context;
  const client = { balancing: balancingOverrides(environment), zone: callerZone(environment) };
  return { ...(await whereOf(address, context)), ...client };
}

/** Finds a method by its name, fetches its contract from a server of the service, and runs `work` with a client of it. */
export async function withTarget<T>(
  name: string,
  { where, connections = {}, metadata, signal }: TargetOptions,
  work: (target: DynamicMethodClient) => Promise<T>,
): Promise<T> {
  const { service, method } = parseMethodName(name);
  const [schema, settings] = await Promise.all([
    learnSchema(service, { where, metadata, signal }),
    where.by === 'registry' ? callSettings(where.registry, signal) : undefined,
  ]);
  if (method === undefined) {
    const methods = `${schema.service} has ${schema.methods.join(', ')}`;
    throw new UsageError(`name a method: ${methods}. rondo describe ${service} shows their messages`);
  }
  const channel =
    where.by === 'registry'
      ? await openRegistryChannel({ balancing: {}, ...where, ...connections })
      : openChannel({ resolver: resolverAt(where.addresses), ...connections });
  if (settings !== undefined) channel.configure(settings);
  const contracts = { services: async () => [schema.service], load: async () => schema };
  try {
    return await work(await createDynamicClient({ channel, contracts }).method(schema.service, method));
  } finally {
    channel.close();
  }
}

/** Asks the processes that may have taken part in a call: all that are registered, or those at the addresses. */
export async function gathererAt(where: Where, { clock, signal }: CommandContext): Promise<Gatherer> {
  if (where.by === 'address')
    return gathererOf(reachOf(where.addresses.map((address) => fixedEndpoint(address, {}))), clock);
  const { instances } = await withRegistry(where.registry, (connection) => listInstances(connection, { signal }));
  return gathererOf(reachOf(endpointsOf(instances)), clock);
}

export interface LearnOptions {
  readonly where: Where;
  readonly metadata?: Metadata | undefined;
  readonly signal: AbortSignal;
}

/** The full name of a service, and where it is served. */
async function lookUp(name: string, registry: readonly string[], signal: AbortSignal) {
  const listing = await withRegistry(registry, (connection) => listInstances(connection, { signal }));
  const service = registeredService(name, listing);
  const serving = listing.instances.filter((instance) => instance.services.includes(service) && isPicked(instance));
  if (serving.length === 0)
    throw new RpcError(Status.UNAVAILABLE, `no instance of ${service} is serving; see rondo ps`);
  return { service, addresses: serving.map(addressOf) };
}

/** The metadata key that selects a version of the service. */
const VERSION_KEY = 'rondo-version';

/** Fetches the contract of a service, given by its full or shortened name, from one of its servers. */
export async function learnSchema(name: string, { where, metadata, signal }: LearnOptions): Promise<Schema> {
  const { service, addresses } =
    where.by === 'registry'
      ? await lookUp(name, where.registry, signal)
      : { service: undefined, addresses: where.addresses };
  // Only a registry channel can select a version. This channel would find no instance of it.
  const asked = new Metadata(metadata);
  asked.delete(VERSION_KEY);
  const options = { metadata: asked, signal };
  const channel = openChannel({ resolver: resolverAt(addresses) });
  try {
    if (service !== undefined) return await reflectedContract(service, channel, options);
    // Only the server itself knows what it serves.
    const { services, load } = reflectionContracts(channel, options);
    return await load(named(name, await services()));
  } catch (error) {
    if (!(error instanceof RpcError) || error.code !== Status.UNAVAILABLE) throw error;
    const message = `no server at ${addresses.join(', ')} can be reached (${reasonOf(error)})`;
    throw new RpcError(error.code, message, { cause: error });
  } finally {
    channel.close();
  }
}

function named(name: string, services: readonly string[]): string {
  const service = matchService(name, services);
  if (service !== undefined) return service;
  throw new RpcError(Status.UNIMPLEMENTED, `the server doesn't serve "${name}". ${knownServices(name, services)}`);
}
