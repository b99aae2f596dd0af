import type { OpenRegistry } from '@rondo/registries';
import type { createRegistryChannel } from '@rondo/rpc/client';
import { backgroundClock, type Clock, systemRandom } from '@rondo/rpc/clock';
import { formatHostPort, registryLocation } from '../config/parsers.js';
import { REGISTRY_PORT } from '../config/shared.js';
import { isRegistry } from '../lifecycle/directory.js';
import { findPlugin, missing, type Plugin } from '../plugin.js';
import { adapterClient } from './adapter-client.js';
import type { RegistryClient } from './lease.js';

/** What a registration opens at a registry of another kind. */
export interface Registrar {
  readonly registry: RegistryClient;
  /** Ends its connections. */
  close(): Promise<void>;
}

/** A registry of another kind, by its URL. Whatever uses it opens connections of its own. */
export interface OtherRegistry
  extends Exclude<Parameters<typeof createRegistryChannel>[0]['registry'], readonly string[]> {
  /** Undefined if the registry lists processes by itself, as Kubernetes does. */
  openRegistrar(options: { readonly ttlMs: number; readonly clock: Clock }): Registrar | undefined;
}

/**
 * The registry that `RONDO_REGISTRY` names, of any kind, as the option `registry` of `createRegistryChannel` and `registerServer`: for
 * programs that aren't Rondo services.
 *
 * @param location `host:port,host:port` of Rondo's own registry, or a URL such as `consul://…`, `eureka://…`, `zookeeper://…`, `kubernetes://…`
 * @param plugins The kinds of registries besides Rondo's own: `[consul]` of `@rondo/registry-consul`.
 * @throws TypeError if there is no such registry, or if none of `plugins` opens it. A fault of the URL is thrown when the registry is used.
 */
export async function openRegistry(
  location: string = process.env['RONDO_REGISTRY'] ?? '',
  plugins: readonly Plugin[] = [],
): Promise<readonly string[] | OtherRegistry> {
  const parsed = registryLocation.parse(location.trim() || `127.0.0.1:${REGISTRY_PORT}`);
  if (!parsed.ok) throw new TypeError(`RONDO_REGISTRY ${parsed.fault}; give ${registryLocation.rule}`);
  if (typeof parsed.value !== 'string') return parsed.value.map(formatHostPort);
  const open = await load(parsed.value, plugins);
  return {
    openResolver(options) {
      const opened = open({ ...options, ttlMs: SESSION_TTL_MS, close: () => void opened.adapter?.close() });
      return opened.resolver;
    },
    openRegistrar({ ttlMs, clock }) {
      const { adapter } = open({ ttlMs, clock: backgroundClock(clock), random: systemRandom });
      return adapter && { registry: adapterClient(adapter, { ttlMs, clock }), close: () => adapter.close() };
    },
  };
}

async function load(url: string, plugins: readonly Plugin[]) {
  const need = { is: isRegistry, variable: 'RONDO_REGISTRY', url };
  const plugin = findPlugin(plugins, need);
  if (plugin === undefined) {
    const { name, text } = missing(need);
    const [kind] = url.split(':');
    const install = `npm install ${name}, import { ${kind} } from '${name}', and give openRegistry its plugins: openRegistry(url, [${kind}])`;
    throw new TypeError(`${text}: ${name === undefined ? 'give openRegistry its plugin' : install}`);
  }
  const open = await plugin.load();
  return (options: Parameters<OpenRegistry>[1]) => open(url, options);
}

/** That of a session that registers nothing. */
const SESSION_TTL_MS = 10_000;
