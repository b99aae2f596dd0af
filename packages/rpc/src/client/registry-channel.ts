import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { backgroundClock, systemClock, systemRandom } from '../clock/index.js';
import { registryResolver, staticResolver } from '../resolver/index.js';
import { bindClient } from './bind-client.js';
import { type Channel, type ChannelOptions, createChannel } from './channel.js';

/** What a channel over the registry is made from. */
export interface RegistryChannelOptions extends Omit<ChannelOptions, 'resolver'> {
  /** The registry's addresses, as `host:port`: any one will do. */
  readonly registry: readonly string[];
}

/**
 * A channel that finds every service through the registry. It watches the registry for as long as it is open; while the
 * registry is away, that keeps no process alive.
 */
export function createRegistryChannel({ registry, ...options }: RegistryChannelOptions): Channel {
  const { random = systemRandom, logger } = options;
  const clock = backgroundClock(options.clock ?? systemClock);
  const toRegistry = createChannel({ ...options, clock, resolver: staticResolver(registry) });
  const { watch } = bindClient(RegistryServiceDefinition, { channel: toRegistry });
  const close = () => toRegistry.close();
  const resolver = registryResolver({ watch, addresses: registry, clock, random, close, ...(logger && { logger }) });
  return createChannel({ ...options, resolver });
}
