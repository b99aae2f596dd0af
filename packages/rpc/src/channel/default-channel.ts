import { systemRandom } from '../clock/index.js';
import { type BalancingOverrides, COMPRESSIONS, type Compression, parseBalancing } from '../contract/index.js';
import { checkZone, type EndpointStorage, folderStorage } from '../resolver/index.js';
import type { Channel } from './channel.js';
import { createRegistryChannel } from './registry-channel.js';

const DEFAULT_REGISTRY = '127.0.0.1:50050';
/** A message's length has 31 bits. */
const MAX_REPLY_BYTES = 2 ** 31 - 1;
let channel: Channel | undefined;

/**
 * The process's own channel: over the registry at `RONDO_REGISTRY`, keeping what it says in `RONDO_REGISTRY_CACHE` where
 * that is set, for a process that runs in `RONDO_ZONE`, with the balancing that `RONDO_BALANCING` says, taking replies of up
 * to `RONDO_MAX_REPLY_BYTES`, sending requests compressed as `RONDO_COMPRESSION` says; made when it is first needed. Its
 * watch keeps the process alive: a script closes it at its end.
 *
 * @throws TypeError where `RONDO_ZONE` is no `region/zone`, `RONDO_MAX_REPLY_BYTES` is no length, `RONDO_COMPRESSION` is
 *   none, or `RONDO_BALANCING` can't be understood; it lists every fault.
 */
export function defaultChannel(): Channel {
  channel ??= createRegistryChannel({
    registry: registryAddresses(process.env['RONDO_REGISTRY']),
    zone: checkZone(process.env['RONDO_ZONE']?.trim() ?? '', 'RONDO_ZONE'),
    balancing: configuredBalancing(process.env['RONDO_BALANCING']),
    maxReplyBytes: configuredReplyLimit(process.env['RONDO_MAX_REPLY_BYTES']),
    compression: configuredCompression(process.env['RONDO_COMPRESSION']),
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

/** How services are balanced beside what their contracts say; nothing, where nothing is said. */
export function configuredBalancing(text = ''): BalancingOverrides {
  if (text.trim() === '') return {};
  const { overrides, faults } = parseBalancing(text);
  if (faults.length > 0) throw new TypeError(`RONDO_BALANCING=${text}: ${faults.join('; ')}`);
  return overrides;
}

/** The longest reply that is taken, in bytes; undefined, for the default, where nothing is said. */
export function configuredReplyLimit(text = ''): number | undefined {
  const digits = text.trim();
  if (digits === '') return undefined;
  const bytes = /^\d{1,10}$/.test(digits) ? Number(digits) : Number.NaN;
  if (bytes >= 1 && bytes <= MAX_REPLY_BYTES) return bytes;
  throw new TypeError(`RONDO_MAX_REPLY_BYTES=${text}: give a whole number of bytes from 1 to ${MAX_REPLY_BYTES}`);
}

/** How requests are compressed; undefined where nothing is said. */
export function configuredCompression(text = ''): Compression | undefined {
  const name = text.trim();
  const compression = COMPRESSIONS.find((known) => known === name);
  if (compression === undefined && name !== '') {
    throw new TypeError(`RONDO_COMPRESSION=${text}: give ${COMPRESSIONS.join(' or ')}`);
  }
  return compression;
}
