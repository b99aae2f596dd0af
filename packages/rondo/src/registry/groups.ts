import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { matchServices } from '@rondo/schema';

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

/** What the first instance of a group answers that can be asked. @throws the last instance's error if none can. */
export async function askFirst<T>(
  group: readonly Instance[],
  signal: AbortSignal,
  ask: (instance: Instance) => Promise<T>,
): Promise<T> {
  let failure: unknown;
  for (const instance of group) {
    signal.throwIfAborted();
    try {
      return await ask(instance);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
