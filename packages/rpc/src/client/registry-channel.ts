import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { systemClock, systemRandom } from '../clock/index.js';
import { registryResolver, staticResolver } from '../resolver/index.js';
import { bindClient } from './bind-client.js';
import { type Channel, type ChannelOptions, createChannel } from './channel.js';

/** What a channel over the registry is made from. */
export interface RegistryChannelOptions extends Omit<ChannelOptions, 'resolver'> {
  /** The registry's addresses, as `host:port`: any one will do. */
  readonly registry: readonly string[];
}

/** A channel that finds every service through the registry. */
export function createRegistryChannel({ registry, ...options }: RegistryChannelOptions): Channel {
  const { clock = systemClock, random = systemRandom, logger } = options;
  const toRegistry = createChannel({ ...options, resolver: staticResolver(registry) });
  const { watch } = bindClient(RegistryServiceDefinition, { channel: toRegistry });
  const close = () => toRegistry.close();
  const resolver = registryResolver({ watch, addresses: registry, clock, random, close, ...(logger && { logger }) });
  return createChannel({ ...options, resolver });
}
