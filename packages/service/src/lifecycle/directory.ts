import type { RegistryAdapter } from '@rondo/registries';
import type { Resolver } from '@rondo/rpc/client';
import { backgroundClock, type Clock, type Random } from '@rondo/rpc/clock';
import { folderStorage, type MutualTls } from '@rondo/rpc/internal';
import { formatHostPort } from '../config/parsers.js';
import type { SharedConfig } from '../config/shared.js';
import { ConfigurationError } from '../config/variables.js';
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

/**
 * Opens the registry of another kind that `RONDO_REGISTRY` names; undefined for Rondo's own.
 *
 * @throws ConfigurationError if its URL is wrong.
 */
export async function openDirectory(
  runtime: ServiceRuntime,
  tls: MutualTls | undefined,
): Promise<Directory | undefined> {
  const { registry } = runtime.config;
  if (typeof registry !== 'string') return undefined;
  try {
    if (registry.startsWith('kubernetes:')) return await openKubernetes(registry, runtime);
    return await directoryOf(registry, runtime, tls);
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigurationError([`RONDO_REGISTRY: ${error.message}`]);
    throw error;
  }
}

// Each kind is loaded on demand: a process runs with one at most.

async function openKubernetes(url: string, { config, clock, random, log }: ServiceRuntime): Promise<Directory> {
  const { kubernetesResolver } = await import('@rondo/registry-kubernetes');
  const { zone, tls } = config;
  const resolver = kubernetesResolver(url, { zone, secure: tls !== 'off', clock, random, logger: log });
  return { resolver, registrar: undefined, close: () => Promise.resolve() };
}

/** What a registry of another kind is opened with. */
export interface AdapterOptions {
  /** How long the entry of a process stays once it is silent. Milliseconds. */
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** Opens the registry at `zookeeper://…`, `consul://…` or `eureka://…`. @throws TypeError if the URL is wrong. */
export const openAdapter = async (url: string, options: AdapterOptions): Promise<RegistryAdapter> =>
  (await loadAdapter(url))(options);

/** Loads the code of a kind of registry, which then opens it. */
export async function loadAdapter(url: string): Promise<(options: AdapterOptions) => RegistryAdapter> {
  if (url.startsWith('consul:')) {
    const { consulRegistry } = await import('@rondo/registry-consul');
    return () => consulRegistry(url);
  }
  if (url.startsWith('eureka:')) {
    const { eurekaRegistry } = await import('@rondo/registry-eureka');
    return ({ clock }) => eurekaRegistry(url, { clock });
  }
  const { zookeeperRegistry } = await import('@rondo/registry-zookeeper');
  return (options) => zookeeperRegistry(url, options);
}

async function directoryOf(url: string, runtime: ServiceRuntime, tls: MutualTls | undefined): Promise<Directory> {
  const { config, clock, wallClock, random, log: logger } = runtime;
  const adapter = await openAdapter(url, { ttlMs: config.leaseTtlMs, clock: backgroundClock(clock), random });
  const { adapterResolver } = await import('@rondo/registries');
  const { adapterClient } = await import('../registration/adapter-client.js');
  const storage = config.registryCache === undefined ? {} : { storage: folderStorage(config.registryCache, random) };
  const options = { clock: backgroundClock(clock), wallClock, random, logger, tls: tls?.mode, ...storage };
  const registrar = adapterClient(adapter, { ttlMs: config.leaseTtlMs, clock });
  return { resolver: adapterResolver(adapter, options), registrar, close: () => adapter.close() };
}
