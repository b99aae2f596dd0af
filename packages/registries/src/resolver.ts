import { type Instance, WatchResponse } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Resolver } from '@rondo/rpc/client';
import { type RegistryResolverOptions, registryResolver } from '@rondo/rpc/internal';
import type { RegistryAdapter } from './adapter.js';

/** Options of {@link adapterResolver}. */
export type AdapterResolverOptions = Omit<RegistryResolverOptions, 'watch' | 'addresses' | 'close'>;

/**
 * A resolver over a registry of another kind. It goes on with what it knew while the registry is away, slow or has lost its instances,
 * exactly as over Rondo's own registry: a missing instance is kept for as long as its connection stands.
 */
export function adapterResolver(adapter: RegistryAdapter, options: AdapterResolverOptions): Resolver {
  // An adapter has no history to resume from. A growing revision makes each list newer than the one before.
  let revision = 0n;
  return registryResolver({
    ...options,
    addresses: [adapter.address],
    async *watch({ service = '' }, { signal }) {
      for await (const listed of adapter.watch(service, signal)) {
        revision += 1n;
        const position = { epoch: 1n, revision };
        yield WatchResponse.fromPartial({ position, event: listed === undefined ? PROGRESS : snapshotOf(listed) });
      }
    },
  });
}

const PROGRESS = { $case: 'progress', value: {} } as const;

function snapshotOf(instances: readonly Instance[]) {
  return { $case: 'snapshot', value: { instances: instances.filter(isPrintable), more: false } } as const;
}

/** Rondo's registry refuses control characters; logs and terminals must not get them from another one. */
function isPrintable({ instanceId, zone, version, metadata, services }: Instance): boolean {
  return [instanceId, zone, version, ...Object.entries(metadata).flat(), ...services].every(
    (text) => !/\p{Cc}/u.test(text),
  );
}
