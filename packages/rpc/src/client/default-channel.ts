import type { Channel } from './channel.js';
import { createRegistryChannel } from './registry-channel.js';

const DEFAULT_REGISTRY = '127.0.0.1:50050';
let channel: Channel | undefined;

/** The process's own channel: over the registry at `RONDO_REGISTRY`, made when it is first needed. */
export function defaultChannel(): Channel {
  channel ??= createRegistryChannel({ registry: (process.env['RONDO_REGISTRY'] ?? DEFAULT_REGISTRY).split(',') });
  return channel;
}
