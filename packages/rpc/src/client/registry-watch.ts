import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { PEER_PING_INTERVAL_MS, staticResolver, type Watch } from '../resolver/index.js';
import { bindClient } from './bind-client.js';
import { type Channel, type ChannelOptions, createChannel } from './channel.js';
import type { Client } from './client.js';

/** Watches of registries, and what ends them all. */
export interface RegistryWatch {
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
