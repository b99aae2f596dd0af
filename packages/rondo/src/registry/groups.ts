import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { matchServices } from '@rondo/dynamic';

/** Which instances are asked. */
interface Asked {
  /** The full name of a contract that they serve. */
  readonly serving: string;
  /** Part of the name of another service that they serve; undefined for all. */
  readonly name: string | undefined;
}

/** The instances that serve a contract, grouped by the services that they serve: a group shares a database. */
export function groupsOf(instances: readonly Instance[], { serving, name }: Asked): readonly (readonly Instance[])[] {
  const groups = new Map<string, Instance[]>();
  for (const instance of instances) {
    const { services } = instance;
    const isMeant = name === undefined || matchServices(name, services).length > 0;
    if (!services.includes(serving) || !isMeant) continue;
    const key = [...services].sort().join(' ');
    groups.set(key, [...(groups.get(key) ?? []), instance]);
  }
  return [...groups.values()];
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
