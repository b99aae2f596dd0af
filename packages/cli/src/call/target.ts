import type { Metadata } from '@rondo/rpc/call';
import { type Channel, type ClientCall, createChannel, createRegistryChannel } from '@rondo/rpc/client';
import type { BalancingOverrides } from '@rondo/rpc/contract';
import type { Middleware } from '@rondo/rpc/middleware';
import { staticResolver } from '@rondo/rpc/resolver';
import { RpcError, Status } from '@rondo/rpc/status';
import type { CommandContext } from '../command.js';
import { parseAddresses, registryAddresses } from '../options.js';
import { addressOf, isPicked } from '../registry/instance-view.js';
import { knownServices, matchService, notRegistered } from '../registry/service-name.js';
import { listInstances, withRegistry } from '../registry/connection.js';
import { createReflection, withErrorDetails } from '../schema/reflection.js';
import { type DynamicMethod, loadSchema, type Schema } from '../schema/schema.js';
import { servicePolicy } from '../schema/invoke.js';
import { reasonOf, UsageError } from '../errors.js';
import type { Connections } from '../environment.js';

/** What is called, and how it is reached. */
export interface Target {
  readonly schema: Schema;
  readonly method: DynamicMethod;
  /** Leads to every instance of the service. */
  readonly channel: Channel;
}

/** How a client in this place looks up services and calls them. */
export interface RegistryLookup {
  readonly by: 'registry';
  readonly registry: readonly string[];
  /** How calls are shared out where that isn't to be as contracts say. */
  readonly balancing?: BalancingOverrides;
  /** Where it runs, as `region/zone`. */
  readonly zone?: string;
}

/** Where a service is looked for. */
export type Where = RegistryLookup | { readonly by: 'address'; readonly addresses: readonly string[] };

/** How a call is made. */
export interface TargetOptions {
  readonly where: Where;
  readonly connections?: Connections;
  /** Sent with the questions by which the contract is learnt. */
  readonly metadata?: Metadata;
  readonly signal: AbortSignal;
}

/** Splits `calculator.v1.CalculatorService/Add` into service and method; the method may be missing. */
export function parseMethodName(text: string): { readonly service: string; readonly method: string | undefined } {
  const [, service, method] = /^\/?([\w.]+)(?:\/(\w+))?$/.exec(text) ?? [];
  if (service === undefined) {
    throw new UsageError(
      `"${text}": must be a service, or service/method, such as calculator.v1.CalculatorService/Add`,
    );
  }
  return { service, method };
}

/** What `--address` and `--registry` say, as a command was given them. */
export interface WhereValues {
  readonly address?: string | undefined;
  readonly registry?: string | undefined;
}

/** Where a command looks for a service: at the addresses that it was given, or in the registry. */
export const whereOf = (
  { address, registry }: WhereValues,
  environment: CommandContext['environment'],
  lookup: Omit<RegistryLookup, 'by' | 'registry'> = {},
): Where =>
  address === undefined
    ? { by: 'registry', registry: registryAddresses(registry, environment), ...lookup }
    : { by: 'address', addresses: parseAddresses('--address', address) };

/** Finds a method by its name, learns its contract from a server of its service, and lets `work` call it. */
export async function withTarget<T>(
  name: string,
  { where, connections = {}, metadata, signal }: TargetOptions,
  work: (target: Target) => Promise<T>,
): Promise<T> {
  const { service, method } = parseMethodName(name);
  const schema = await learnSchema(service, { where, metadata, signal });
  if (method === undefined) {
    const methods = `${schema.service} has ${schema.methods.join(', ')}`;
    throw new UsageError(`name a method: ${methods}. rondo describe ${service} tells what they take`);
  }
  const target = schema.method(method);
  const channel =
    where.by === 'registry'
      ? createRegistryChannel({
          registry: where.registry,
          zone: where.zone,
          balancing: where.balancing ?? {},
          ...connections,
        })
      : createChannel({ resolver: staticResolver(where.addresses), ...connections });
  try {
    channel.follow(schema.service, servicePolicy(schema));
    return await work({ schema, method: target, channel });
  } finally {
    channel.close();
  }
}

/** Learns the contract of a service, by its name in full or short, from one of its servers. */
export async function learnSchema(service: string, { where, metadata, signal }: LearnOptions): Promise<Schema> {
  const found: Found =
    where.by === 'registry' ? await lookUp(service, where.registry, signal) : { addresses: where.addresses };
  return learn(found, found.service ?? { named: service }, { metadata, signal });
}

/** How a contract is learnt. */
export interface LearnOptions {
  readonly where: Where;
  readonly metadata?: Metadata | undefined;
  readonly signal: AbortSignal;
}

interface Found {
  /** Undefined where only the server itself can say what it serves. */
  readonly service?: string;
  readonly addresses: readonly string[];
}

async function lookUp(name: string, registry: readonly string[], signal: AbortSignal): Promise<Found> {
  const { instances, warming } = await withRegistry(registry, (connection) => listInstances(connection, { signal }));
  const services = [...new Set(instances.flatMap((instance) => instance.services))];
  const service = matchService(name, services);
  if (service === undefined) throw notRegistered(name, services, warming);
  const serving = instances.filter((instance) => instance.services.includes(service) && isPicked(instance));
  if (serving.length === 0)
    throw new RpcError(Status.UNAVAILABLE, `no instance of ${service} is serving; see rondo ps`);
  return { service, addresses: serving.map(addressOf) };
}

/** Says which version of a service is to be called. */
const VERSION_KEY = 'rondo-version';

/** Asks any one of `addresses` for the contract. */
async function learn(
  { addresses }: Found,
  service: string | { readonly named: string },
  { metadata, signal }: Omit<LearnOptions, 'where'>,
): Promise<Schema> {
  const middleware: Middleware<ClientCall> = (call, next) => {
    if (metadata !== undefined) call.metadata.appendAll(metadata);
    // The registry knows of versions; of the addresses that it gave nothing more is known.
    call.metadata.delete(VERSION_KEY);
    return next(call);
  };
  const channel = createChannel({ resolver: staticResolver(addresses), middleware: [middleware] });
  try {
    const reflection = createReflection(channel, signal);
    const fullName = typeof service === 'string' ? service : named(service.named, await reflection.listServices());
    return loadSchema(fullName, await withErrorDetails(await reflection.filesOf(fullName), reflection));
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
