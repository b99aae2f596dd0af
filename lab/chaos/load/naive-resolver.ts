import { setTimeout as delay } from 'node:timers/promises';
import { type Instance, InstanceStatus, RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import {
  createChannel,
  createClient,
  type Endpoint,
  fixedEndpoint,
  type Resolver,
  staticResolver,
} from '@rondo/rpc/client';
import type { MutualTls, ResolverListener } from '@rondo/rpc/internal';

/** The registries, and how they are called. */
export interface RegistryOptions {
  readonly registry: readonly string[];
  readonly mutualTls: MutualTls | undefined;
}

/**
 * A resolver as it is often written, for the clients of control runs. It asks again and again, and takes what the registry says at its
 * word: instances that aren't listed are gone, and no answer is an empty list.
 */
export function naiveResolver({ registry, mutualTls }: RegistryOptions, everyMs: number): Resolver {
  const channel = createChannel({ resolver: staticResolver(registry), mutualTls });
  const client = createClient(RegistryServiceDefinition, { channel });
  const poll = async (service: string, listener: ResolverListener, signal: AbortSignal) => {
    for (let before: readonly string[] = []; ; ) {
      const answer = client.listInstances({ service }, { signal });
      const instances = await answer.then((list) => list.instances).catch((): Instance[] => []);
      if (signal.aborted) return;
      const listed = instances.map(({ instanceId }) => instanceId);
      const departed = before.filter((id) => !listed.includes(id));
      listener.onResolution({ endpoints: instances.flatMap(toEndpoint), departed });
      before = listed;
      await delay(everyMs, undefined, { ref: false });
    }
  };
  return {
    source: `the registry at ${registry.join(', ')}`,
    resolve(service, listener) {
      const ended = new AbortController();
      void poll(service, listener, ended.signal);
      return { close: () => ended.abort() };
    },
    close: () => channel.close(),
  };
}

/** None for an instance that isn't serving. */
function toEndpoint({ instanceId, endpoints, zone, status }: Instance): Endpoint[] {
  const address = endpoints[0]?.address;
  if (address === undefined || status !== InstanceStatus.INSTANCE_STATUS_SERVING) return [];
  return [fixedEndpoint(address, { instanceId, zone })];
}
