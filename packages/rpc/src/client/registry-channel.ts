import { backgroundClock, systemClock, systemRandom, systemWallClock } from '@rondo/base';
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { type Channel, type ChannelOptions, createChannel } from '../channel/channel.js';
import { maskUrl } from '../resolver/endpoint.js';
import type { EndpointStorage } from '../resolver/endpoint-storage.js';
import { type RegistryResolverOptions, registryResolver } from '../resolver/registry.js';
import type { Resolver } from '../resolver/resolver.js';
import { staticResolver, WATCH_PING_INTERVAL_MS } from '../resolver/static.js';
import type { Watch } from '../resolver/watch-client.js';
import { bindClient, type Client } from './client.js';

/**
 * Options of {@link createRegistryChannel}. There is no `tls`: each server in the registry tells whether it has `mutualTls`.
 * `maxReplyBytes` and `compression` apply to those servers, not to the registry.
 */
export interface RegistryChannelOptions extends Omit<ChannelOptions, 'resolver' | 'tls'> {
  /** The addresses of the registries, as `host:port`, of which one is enough; or what `openRegistry` of `@rondo/service/registration` gives. */
  readonly registry: readonly string[] | OtherRegistry;
  /**
   * The storage of the endpoint cache, such as `folderStorage(path, random)`. With it, a process can start while the registry
   * is unreachable. Default: none.
   */
  readonly storage?: EndpointStorage;
}

/** A registry of another kind: each channel opens connections of its own to it, and closes them. */
export interface OtherRegistry {
  openResolver(
    options: Omit<RegistryResolverOptions, 'watch' | 'addresses'> & { readonly zone?: string | undefined },
  ): Resolver;
}

/** Options that apply to the listed servers have their defaults for the registry itself. */
const REGISTRY_DEFAULTS = { maxReplyBytes: undefined, compression: undefined };

/**
 * Creates a channel that finds every service through the registry. It watches the registry until it is closed. Its attempts
 * to reach an absent registry don't keep the process alive.
 *
 * @throws TypeError as `createChannel` does, and if `tls` is given; Error if `registry` lists the URL of another kind of registry.
 */
export function createRegistryChannel({ registry, storage, balancing, ...options }: RegistryChannelOptions): Channel {
  if ('tls' in options && options.tls !== undefined) {
    throw new TypeError('tls: a registry lists servers with mutualTls, or without TLS; call others by createChannel');
  }
  const { random = systemRandom, wallClock = systemWallClock, logger } = options;
  const clock = backgroundClock(options.clock ?? systemClock);
  const common = {
    clock,
    wallClock,
    random,
    tls: options.mutualTls?.mode,
    ...(logger && { logger }),
    ...(storage && { storage }),
  };
  let resolver: Resolver;
  if ('openResolver' in registry) resolver = registry.openResolver({ ...common, zone: options.zone });
  else {
    const addresses = checkedAddresses(registry);
    const { watch, close } = createRegistryWatch({ ...options, ...REGISTRY_DEFAULTS, clock, healthCheck: false });
    resolver = registryResolver({ ...common, watch, addresses, close });
  }
  return createChannel({ healthCheck: true, ...options, resolver, ...(balancing && { balancing }) });
}

/** The addresses of Rondo's registry. @throws Error that says what to do if one is the URL of a registry of another kind. */
export function checkedAddresses(addresses: readonly string[]): readonly string[] {
  const url = addresses.find((address) => address.includes('://'));
  if (url === undefined) return addresses;
  const open = 'await openRegistry() of @rondo/service/registration';
  throw new Error(
    `the registry ${maskUrl(url)} is of another kind: give ${open} as the option registry of createRegistryChannel or registerServer`,
  );
}

/** Opens watches at registries, and closes all of them. */
interface RegistryWatch {
  readonly watch: Watch;
  close(): void;
}

interface Connection {
  readonly channel: Channel;
  readonly client: Client<typeof RegistryServiceDefinition>;
  streams: number;
}

/**
 * Creates watches at registries. All watches at one registry share a connection, which is closed with the last of them. So
 * no client keeps reconnecting to a registry that it gave up, and a new watch connects at once.
 */
export function createRegistryWatch(options: Omit<ChannelOptions, 'resolver' | 'balancing'>): RegistryWatch {
  const connections = new Map<string, Connection>();

  function connect(address: string): Connection {
    const resolver = staticResolver([address], { minPingIntervalMs: WATCH_PING_INTERVAL_MS, frames: true });
    const channel = createChannel({ ...options, resolver });
    const connection = { channel, client: bindClient(RegistryServiceDefinition, { channel }), streams: 0 };
    connections.set(address, connection);
    return connection;
  }

  return {
    async *watch(request, { signal, address }) {
      const connection = connections.get(address) ?? connect(address);
      connection.streams += 1;
      try {
        yield* connection.client.watch(request, { signal });
      } finally {
        connection.streams -= 1;
        if (connection.streams === 0) {
          connections.delete(address);
          connection.channel.close();
        }
      }
    },
    close() {
      for (const { channel } of connections.values()) channel.close();
    },
  };
}
