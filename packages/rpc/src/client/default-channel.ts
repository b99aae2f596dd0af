import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { systemClock, systemRandom, systemWallClock } from '@rondo/base';
import type { Channel } from '../channel/channel.js';
import type { ChannelPolicies } from '../channel/policies.js';
import { type BalancingOverrides, balancingText } from '../contract/setting-text.js';
import { checkZone } from '../resolver/endpoint.js';
import { type EndpointStorage, folderStorage } from '../resolver/endpoint-storage.js';
import { type MutualTls, openMutualTls, readTlsSettings } from '../tls/mutual-tls.js';
import { configuredToken, sendToken } from './caller-token.js';
import { checkedAddresses, createRegistryChannel } from './registry-channel.js';

const DEFAULT_REGISTRY = '127.0.0.1:50050';
let channel: Channel | undefined;

/** Options of {@link defaultChannel}. */
interface DefaultChannelOptions {
  /** The policies of the plugin `@rondo/balancing`. They count if this call creates the channel. */
  readonly policies?: ChannelPolicies | undefined;
}

/**
 * The process's own channel over the registry, created at its first use. These variables configure it:
 * `RONDO_REGISTRY`, `RONDO_REGISTRY_CACHE`, `RONDO_ZONE`, `RONDO_BALANCING`, `RONDO_TRANSPORT`, `RONDO_TLS`, `RONDO_TLS_DIR` and `RONDO_TOKEN`.
 * Its watch keeps the process alive, so a script must close the channel.
 *
 * @throws TypeError if one of the variables is invalid. It names the variable and lists every fault. Error if `RONDO_REGISTRY` is the
 *   URL of a registry of another kind, which only a channel of its own has.
 */
export function defaultChannel({ policies }: DefaultChannelOptions = {}): Channel {
  channel ??= createRegistryChannel({
    policies,
    registry: registryAddresses(process.env['RONDO_REGISTRY']),
    zone: checkZone(process.env['RONDO_ZONE']?.trim() ?? '', 'RONDO_ZONE'),
    balancing: configuredBalancing(process.env['RONDO_BALANCING']),
    frames: configuredTransport(process.env['RONDO_TRANSPORT']) !== 'grpc',
    mutualTls: configuredMutualTls(process.env),
    middleware: sendToken(configuredToken(process.env)),
    ...registryStorage(process.env['RONDO_REGISTRY_CACHE']),
  });
  return channel;
}

/**
 * Mutual TLS with the certificate whose files the environment names. Renewed files take effect at once. Undefined if TLS is off.
 *
 * @throws TypeError that names a variable and its rule, or Error that names the files.
 */
export function configuredMutualTls(environment: Readonly<Record<string, string | undefined>>): MutualTls | undefined {
  const settings = readTlsSettings(environment);
  if (settings.mode === 'off') return undefined;
  const file =
    environment['RONDO_DESCRIPTORS'] ?? fileURLToPath(import.meta.resolve('@rondo/contracts/descriptors.binpb'));
  const clocks = { clock: systemClock, wallClock: systemWallClock };
  const tls = openMutualTls(settings, { usage: 'client', descriptorSet: readFileSync(file), ...clocks });
  tls?.identity.watch();
  return tls;
}

/** The storage of the endpoint cache; none if no folder is given. */
function registryStorage(folder = ''): { readonly storage?: EndpointStorage } {
  return folder.trim() === '' ? {} : { storage: folderStorage(folder.trim(), systemRandom) };
}

/** The addresses in a comma-separated list; the default address if there are none. */
export function registryAddresses(list = ''): readonly string[] {
  if (list.includes('://')) return checkedAddresses([list]);
  const addresses = list.split(',').map((address) => address.trim());
  const named = addresses.filter((address) => address !== '');
  return named.length > 0 ? named : [DEFAULT_REGISTRY];
}

/** The balancing overrides in `text`; none if it is empty. */
export function configuredBalancing(text = ''): BalancingOverrides {
  if (text.trim() === '') return {};
  const { value, faults } = balancingText.parse(text);
  if (faults.length > 0) throw new TypeError(`RONDO_BALANCING=${text}: ${faults.join('; ')}`);
  return value;
}

/** How calls travel between Rondo processes, by the names that `RONDO_TRANSPORT` takes. `tunnel` is an old name of `frames`. */
export const TRANSPORTS = ['frames', 'grpc', 'tunnel'] as const;

/** How calls travel; `frames` if `text` is empty. */
export function configuredTransport(text = ''): (typeof TRANSPORTS)[number] {
  const name = text.trim();
  if (name === '') return 'frames';
  const transport = TRANSPORTS.find((known) => known === name);
  if (transport === undefined) throw new TypeError(`RONDO_TRANSPORT=${text}: give ${TRANSPORTS.join(' or ')}`);
  return transport;
}
