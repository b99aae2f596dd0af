import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { addressOf, reasonOf } from '@rondo/operate/internal';
import { type Client, createClient } from '@rondo/rpc/client';
import type { ServiceDefinition } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import { matchServices } from '@rondo/schema';
import { withChannel } from '../channels.js';
import type { CommandContext } from '../command.js';
import { UsageError } from '../errors.js';
import { printable } from '../terminal/text.js';
import { registeredInstances } from './locate.js';

export interface Question<D extends ServiceDefinition, T> {
  /** The contract by which it is asked. */
  readonly definition: D;
  readonly call: (
    client: Client<D>,
    options: { readonly signal: AbortSignal; readonly timeoutMs: number },
    instanceId: string,
  ) => Promise<T>;
}

interface Asked<D extends ServiceDefinition, T> extends Question<D, T> {
  /** What a service has that serves the contract, such as `jobs`. */
  readonly what: string;
  /** Part of the name of a service; undefined for all that serve the contract. */
  readonly name: string | undefined;
}

/** Instances that share a service, also while its replicas have two versions, and so a database. */
type Group = readonly Instance[];

/** The instances that serve a contract and are called by a part of `name`, grouped. */
export function groupsOf(instances: readonly Instance[], serving: string, name?: string): readonly Group[] {
  const groups: Instance[][] = [];
  for (const instance of instances) {
    const { services } = instance;
    const isMeant = name === undefined || matchServices(name, services).length > 0;
    if (!services.includes(serving) || !isMeant) continue;
    const own = ownOf(instance);
    const group = groups.find((others) =>
      others.some((other) => ownOf(other).some((service) => own.includes(service))),
    );
    if (group === undefined) groups.push([instance]);
    else group.push(instance);
  }
  return groups;
}

/** What an instance serves, without what Rondo adds to each. */
function ownOf({ services }: Instance): readonly string[] {
  const own = services.filter((service) => !/^(rondo|grpc)\./.test(service));
  return own.length > 0 ? own : services;
}

const TIMEOUT_MS = 5_000;

/** Asks the first instance of a group that can be called. Its refusal is final: the others have the same database. */
export async function askGroup<D extends ServiceDefinition, T>(
  group: Group,
  { definition, call }: Question<D, T>,
  signal: AbortSignal,
): Promise<T> {
  let failure: unknown;
  for (const instance of group) {
    signal.throwIfAborted();
    try {
      return await withChannel([addressOf(instance)], (channel) =>
        call(createClient(definition, { channel }), { signal, timeoutMs: TIMEOUT_MS }, instance.instanceId),
      );
    } catch (error) {
      if (error instanceof RpcError && error.code !== Status.UNAVAILABLE) throw error;
      failure = error;
    }
  }
  throw failure;
}

/** What each group of the instances that serve a contract answers. @throws what {@link askGroup} throws. */
export const askAll = <D extends ServiceDefinition, T>(
  instances: readonly Instance[],
  asked: Question<D, T>,
  signal: AbortSignal,
): Promise<readonly T[]> =>
  Promise.all(groupsOf(instances, asked.definition.fullName).map((group) => askGroup(group, asked, signal)));

/** @throws UsageError if no service is meant. */
async function requireGroups<D extends ServiceDefinition, T>(
  { definition, what, name }: Asked<D, T>,
  context: CommandContext,
): Promise<readonly Group[]> {
  const { instances } = await registeredInstances(context);
  const groups = groupsOf(instances, definition.fullName, name);
  if (groups.length > 0) return groups;
  const meant = name === undefined ? '' : ` that "${name}" means`;
  throw new UsageError(`no registered service${meant} has ${what}: rondo ps lists what is registered`);
}

/** Asks the only service that is meant. @throws UsageError if there are several. */
export async function askService<D extends ServiceDefinition, T>(
  asked: Asked<D, T>,
  context: CommandContext,
): Promise<T> {
  const [group, another] = await requireGroups(asked, context);
  if (group === undefined || another !== undefined)
    throw new UsageError(`several services have ${asked.what}: name one after the id`);
  return await askGroup(group, asked, context.signal);
}

/** What each service answers, but those that can't be asked: standard error says why, and `failed` that there are some. */
export async function askServices<D extends ServiceDefinition, T>(asked: Asked<D, T>, context: CommandContext) {
  const { signal, stderr } = context;
  const groups = await requireGroups(asked, context);
  const asking = groups.map(async (group) => {
    try {
      return [{ group, answer: await askGroup(group, asked, signal) }];
    } catch (error) {
      signal.throwIfAborted();
      await stderr.write(`a service can't be asked: ${printable(reasonOf(error))}\n`);
      return [];
    }
  });
  const services = (await Promise.all(asking)).flat();
  return { services, answers: services.map(({ answer }) => answer), failed: services.length < groups.length };
}
