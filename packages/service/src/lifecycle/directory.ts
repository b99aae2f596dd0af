import type { RegistryPlugin } from '@rondo/registries';
import type { Resolver } from '@rondo/rpc/client';
import { backgroundClock } from '@rondo/rpc/clock';
import { folderStorage, type MutualTls } from '@rondo/rpc/internal';
import { formatHostPort } from '../config/parsers.js';
import type { SharedConfig } from '../config/shared.js';
import { ConfigurationError } from '../config/variables.js';
import { type Plugin, pickPlugin } from '../plugin.js';
import type { RegistryClient } from '../registration/lease.js';
import type { ServiceRuntime } from './service.js';

/** The addresses of Rondo's registry; none if instances are found by a registry of another kind. */
export function registriesOf({ registry }: Pick<SharedConfig, 'registry'>): readonly string[] {
  return typeof registry === 'string' ? [] : registry.map(formatHostPort);
}

/** A registry of another kind, as a process uses it. */
export interface Directory {
  readonly resolver: Resolver;
  /** Keeps the process registered; undefined if the registry lists processes by itself. */
  readonly registrar: RegistryClient | undefined;
  /** Ends the connections, once the process has deregistered. */
  close(): Promise<void>;
}

/** Whether a plugin is a kind of registry. */
export const isRegistry = (plugin: Plugin): plugin is RegistryPlugin => plugin.kind === 'registry';

/**
 * Opens the registry of another kind that `RONDO_REGISTRY` names; undefined for Rondo's own.
 *
 * @throws ConfigurationError if its URL is wrong, or if the app doesn't pass its plugin.
 */
export async function openDirectory(
  { config, clock: ownClock, wallClock, random, log: logger, plugins }: ServiceRuntime,
  tls: MutualTls | undefined,
): Promise<Directory | undefined> {
  const { registry: url, registryCache, leaseTtlMs: ttlMs, zone } = config;
  if (typeof url !== 'string') return undefined;
  const open = await pickPlugin(plugins, { is: isRegistry, variable: 'RONDO_REGISTRY', url }).load();
  const storage = registryCache === undefined ? {} : { storage: folderStorage(registryCache, random) };
  const clock = backgroundClock(ownClock);
  try {
    const { resolver, adapter } = open(url, {
      ttlMs,
      zone,
      clock,
      wallClock,
      random,
      logger,
      tls: tls?.mode,
      ...storage,
    });
    if (adapter === undefined) return { resolver, registrar: undefined, close: () => Promise.resolve() };
    const { adapterClient } = await import('../registration/adapter-client.js');
    return { resolver, registrar: adapterClient(adapter, { ttlMs, clock: ownClock }), close: () => adapter.close() };
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigurationError([`RONDO_REGISTRY: ${error.message}`]);
    throw error;
  }
}
