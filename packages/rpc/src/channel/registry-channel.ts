import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { bindClient } from '../client/bind-client.js';
import type { Client } from '../client/client.js';
import { backgroundClock, systemClock, systemRandom, systemWallClock } from '../clock/index.js';
import {
  type EndpointStorage,
  PEER_PING_INTERVAL_MS,
  registryResolver,
  staticResolver,
  type Watch,
} from '../resolver/index.js';
import { type Channel, type ChannelOptions, createChannel } from './channel.js';

/**
 * What a channel over the registry is made from. The registry lists servers that are called in plaintext, so there is no
 * `tls`; `maxReplyBytes` is for their replies, and not for what the registry says.
 */
export interface RegistryChannelOptions extends Omit<ChannelOptions, 'resolver' | 'tls'> {
  /** The registry's addresses, as `host:port`: any one will do. */
  readonly registry: readonly string[];
  /**
   * Keeps what the registry said, so that a process can start while it is away: `folderStorage(path, random)`. Nothing is
   * kept without it.
   */
  readonly storage?: EndpointStorage;
}

/** What is for the servers that the registry lists, and not for the registry. */
const AS_BY_DEFAULT = { maxReplyBytes: undefined, compression: undefined };

/**
 * A channel that finds every service through the registry. It watches the registry for as long as it is open; while the
 * registry is away, that keeps no process alive.
 *
 * @throws TypeError as `createChannel` does, and where it is given `tls`.
 */
export function createRegistryChannel({ registry, storage, balancing, ...options }: RegistryChannelOptions): Channel {
  if ('tls' in options && options.tls !== undefined) {
    throw new TypeError('tls: a registry lists servers that are called in plaintext; call others by createChannel');
  }
  const { random = systemRandom, wallClock = systemWallClock, logger } = options;
  const clock = backgroundClock(options.clock ?? systemClock);
  const { watch, close } = createRegistryWatch({ ...options, ...AS_BY_DEFAULT, clock, healthCheck: false });
  const resolver = registryResolver({
    watch,
    addresses: registry,
    clock,
    wallClock,
    random,
    close,
    ...(logger && { logger }),
    ...(storage && { storage }),
  });
  return createChannel({ healthCheck: true, ...options, resolver, ...(balancing && { balancing }) });
}

/** Watches of registries, and what ends them all. */
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
 * Watches registries, each over a connection of its own that all its watches share. It stands while there is a watch, so
 * that nobody goes on knocking at a registry that was given up, and one that is tried again is connected to at once.
 */
export function createRegistryWatch(options: Omit<ChannelOptions, 'resolver' | 'balancing'>): RegistryWatch {
  const connections = new Map<string, Connection>();

  function connect(address: string): Connection {
    const resolver = staticResolver([address], { minPingIntervalMs: PEER_PING_INTERVAL_MS });
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
