import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { addressOf, reasonOf } from '@rondo/operate/internal';
import { type Client, createClient } from '@rondo/rpc/client';
import type { ServiceDefinition } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import { matchServices } from '@rondo/schema';
import { withChannel } from '../channels.js';
import type { CommandContext } from '../command.js';
import { printable } from '../terminal/text.js';

/** Which instances are asked. */
interface Asked {
  /** The full name of a contract that they serve. */
  readonly serving: string;
  /** Part of the name of another service that they serve; undefined for all. */
  readonly name: string | undefined;
}

/** The instances that serve a contract, grouped: a group shares a service, also while its replicas have two versions, and so a database. */
export function groupsOf(instances: readonly Instance[], { serving, name }: Asked): readonly (readonly Instance[])[] {
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

/** What is asked of an instance of a group. */
interface Question<D extends ServiceDefinition, T> {
  readonly definition: D;
  readonly call: (
    client: Client<D>,
    options: { readonly signal: AbortSignal; readonly timeoutMs: number },
    instanceId: string,
  ) => Promise<T>;
}

const TIMEOUT_MS = 5_000;

/** Asks the first instance of a group that can be called. Its refusal is final: the others have the same database. */
export async function askGroup<D extends ServiceDefinition, T>(
  group: readonly Instance[],
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

/** What the groups answer, but those that can't be asked: standard error says why. */
export async function askGroups<D extends ServiceDefinition, T>(
  groups: readonly (readonly Instance[])[],
  question: Question<D, T>,
  { signal, stderr }: CommandContext,
): Promise<readonly { readonly group: readonly Instance[]; readonly answer: T }[]> {
  const asked = groups.map(async (group) => {
    try {
      return [{ group, answer: await askGroup(group, question, signal) }];
    } catch (error) {
      signal.throwIfAborted();
      await stderr.write(`a service can't be asked: ${printable(reasonOf(error))}\n`);
      return [];
    }
  });
  return (await Promise.all(asked)).flat();
}
