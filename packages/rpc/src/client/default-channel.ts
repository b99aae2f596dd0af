import { systemRandom } from '../clock/index.js';
import { type EndpointStorage, folderStorage } from '../resolver/index.js';
import type { Channel } from './channel.js';
import { createRegistryChannel } from './registry-channel.js';

const DEFAULT_REGISTRY = '127.0.0.1:50050';
let channel: Channel | undefined;

/**
 * The process's own channel: over the registry at `RONDO_REGISTRY`, keeping what it says in `RONDO_REGISTRY_CACHE` where
 * that is set; made when it is first needed. Its watch keeps the process alive: a script closes it at its end.
 */
export function defaultChannel(): Channel {
  channel ??= createRegistryChannel({
    registry: registryAddresses(process.env['RONDO_REGISTRY']),
    ...registryStorage(process.env['RONDO_REGISTRY_CACHE']),
  });
  return channel;
}

/** Where what the registry said is kept: nowhere, unless a folder is named. */
function registryStorage(folder = ''): { readonly storage?: EndpointStorage } {
  return folder.trim() === '' ? {} : { storage: folderStorage(folder.trim(), systemRandom) };
}

/** The addresses in a comma-separated list; where it names none, the default. */
export function registryAddresses(list = ''): readonly string[] {
  const addresses = list.split(',').map((address) => address.trim());
  const named = addresses.filter((address) => address !== '');
  return named.length > 0 ? named : [DEFAULT_REGISTRY];
}
