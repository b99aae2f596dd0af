import { backgroundClock, systemClock, systemRandom, systemWallClock } from '../clock/index.js';
import { type EndpointStorage, registryResolver } from '../resolver/index.js';
import { type Channel, type ChannelOptions, createChannel } from './channel.js';
import { createRegistryWatch } from './registry-watch.js';

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
