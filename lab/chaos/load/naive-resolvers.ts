/** Resolvers as they are often written, for the clients of control runs. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Instance,
  InstanceStatus,
  RegistryServiceDefinition,
  type WatchResponse,
} from '@rondo/contracts/rondo/registry/v1/registry';
import {
  type Client,
  createChannel,
  createClient,
  type Endpoint,
  fixedEndpoint,
  type Resolver,
  staticResolver,
} from '@rondo/rpc/client';
import type { MutualTls, ResolverListener } from '@rondo/rpc/internal';

type Registry = Client<typeof RegistryServiceDefinition>;
/** Resolves a service until the signal aborts. */
type Watch = (registry: Registry, service: string, watcher: Watcher) => Promise<void>;

interface Watcher {
  readonly listener: ResolverListener;
  readonly signal: AbortSignal;
}

/** The registries, and how they are called. */
export interface RegistryOptions {
  readonly registry: readonly string[];
  readonly mutualTls: MutualTls | undefined;
}

const RETRY_MS = 200;
const POLL_MS = 15_000;

/** Takes what the registry says at its word: an empty list is empty, and when the watch breaks no instance is left. */
export function trustingResolver(options: RegistryOptions): Resolver {
  return resolverBy(options, async (client, service, { listener, signal }) => {
    const known = new Map<string, Instance>();
    while (!signal.aborted) {
      try {
        for await (const event of client.watch({ service }, { signal })) {
          const before = [...known.keys()];
          apply(known, event);
          publish(listener, known, before);
        }
      } catch {
        const before = [...known.keys()];
        known.clear();
        publish(listener, known, before);
      }
      await delay(RETRY_MS);
    }
  });
}

/** Lists the instances every 15 s. */
export function pollingResolver(options: RegistryOptions): Resolver {
  return resolverBy(options, async (client, service, { listener, signal }) => {
    while (!signal.aborted) {
      const { instances } = await client.listInstances({ service });
      publish(listener, new Map(instances.map((instance) => [instance.instanceId, instance])), []);
      await delay(POLL_MS, undefined, { signal, ref: false });
    }
  });
}

function resolverBy({ registry, mutualTls }: RegistryOptions, watch: Watch): Resolver {
  const channel = createChannel({ resolver: staticResolver(registry), mutualTls });
  const client = createClient(RegistryServiceDefinition, { channel });
  return {
    source: `the registry at ${registry.join(', ')}`,
    resolve(service, listener) {
      const ended = new AbortController();
      watch(client, service, { listener, signal: ended.signal }).catch((error) => {
        if (!ended.signal.aborted) listener.onFailure(String(error));
      });
      return { close: () => ended.abort() };
    },
    close: () => channel.close(),
  };
}

function apply(known: Map<string, Instance>, { event }: WatchResponse): void {
  if (event?.$case === 'snapshot') known.clear();
  const upserts = event?.$case === 'snapshot' ? event.value.instances : [];
  const delta = event?.$case === 'delta' ? event.value : { upserts: [], removals: [] };
  for (const instance of [...upserts, ...delta.upserts]) known.set(instance.instanceId, instance);
  for (const { instanceId } of delta.removals) known.delete(instanceId);
}

/** An instance that is no longer known counts as gone. */
function publish(listener: ResolverListener, known: ReadonlyMap<string, Instance>, before: readonly string[]): void {
  const endpoints = [...known.values()].flatMap(toEndpoint);
  listener.onResolution({ endpoints, departed: before.filter((id) => !known.has(id)) });
}

/** None for an instance that isn't serving. */
function toEndpoint({ instanceId, endpoints, zone, status }: Instance): Endpoint[] {
  const address = endpoints[0]?.address;
  if (address === undefined || status !== InstanceStatus.INSTANCE_STATUS_SERVING) return [];
  return [fixedEndpoint(address, { instanceId, zone })];
}
