import type { RegistryChannelOptions } from '@rondo/rpc/client';
import { backgroundClock, type Clock, systemRandom } from '@rondo/rpc/clock';
import { formatHostPort, registryLocation } from '../config/parsers.js';
import { REGISTRY_PORT } from '../config/shared.js';
import { loadAdapter } from '../lifecycle/directory.js';
import { adapterClient } from './adapter-client.js';
import type { RegistryClient } from './lease.js';

/** What a registration opens at a registry of another kind. */
export interface Registrar {
  readonly registry: RegistryClient;
  /** Ends its connections. */
  close(): Promise<void>;
}

/** A registry of another kind, by its URL. Whatever uses it opens connections of its own. */
export interface OtherRegistry extends Exclude<RegistryChannelOptions['registry'], readonly string[]> {
  /** Undefined if the registry lists processes by itself, as Kubernetes does. */
  openRegistrar(options: { readonly ttlMs: number; readonly clock: Clock }): Registrar | undefined;
}

/**
 * The registry that `RONDO_REGISTRY` names, of any kind, as the option `registry` of `createRegistryChannel` and `registerServer`: for
 * programs that aren't Rondo services.
 *
 * @param location `host:port,host:port` of Rondo's own registry, or `consul://…`, `eureka://…`, `zookeeper://…`, `kubernetes://…`
 * @throws TypeError if there is no such registry. A fault of the URL is thrown where the registry is used.
 */
export async function openRegistry(
  location: string = process.env['RONDO_REGISTRY'] ?? '',
): Promise<readonly string[] | OtherRegistry> {
  const parsed = registryLocation.parse(location.trim() || `127.0.0.1:${REGISTRY_PORT}`);
  if (!parsed.ok) throw new TypeError(`RONDO_REGISTRY ${parsed.fault}; give ${registryLocation.rule}`);
  if (typeof parsed.value !== 'string') return parsed.value.map(formatHostPort);
  const url = parsed.value;
  if (url.startsWith('kubernetes:')) {
    const { kubernetesResolver } = await import('@rondo/registry-kubernetes');
    const openResolver: OtherRegistry['openResolver'] = ({ tls, ...options }) =>
      kubernetesResolver(url, { ...options, secure: tls !== undefined });
    return { openResolver, openRegistrar: () => undefined };
  }
  const [open, { adapterResolver }] = await Promise.all([loadAdapter(url), import('@rondo/registries')]);
  return {
    openResolver(options) {
      const { clock, random } = options;
      const adapter = open({ ttlMs: SESSION_TTL_MS, clock, random });
      return adapterResolver(adapter, { ...options, close: () => void adapter.close() });
    },
    openRegistrar({ ttlMs, clock }) {
      const adapter = open({ ttlMs, clock: backgroundClock(clock), random: systemRandom });
      return { registry: adapterClient(adapter, { ttlMs, clock }), close: () => adapter.close() };
    },
  };
}

/** That of a session that registers nothing. */
const SESSION_TTL_MS = 10_000;
