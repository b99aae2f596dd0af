import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import {
  entryRegistrar,
  field,
  HTTP_KEYS,
  HttpServers,
  type OpenRegistry,
  openedBy,
  parseLocation,
  type RegistryAdapter,
} from '@rondo/registries';
import type { Clock } from '@rondo/rpc/clock';
import { Apps } from './apps.js';
import { appOf, entryId, fromEntry, toEntry } from './entry.js';

/** Options of {@link eurekaRegistry}. */
export interface EurekaOptions {
  readonly clock: Clock;
}

const PORT = 8761;
const DEFAULT_PATH = '/eureka';

/**
 * Eureka as a registry: each service of an instance is an application with its name.
 *
 * @param url `eureka://HOST:PORT,HOST:PORT/PATH`; the path is `/eureka` by default. Keys: `tls=on`, `ca-file`, `cert-file`, `key-file`
 *   and `token-file`, whose text is sent as `Authorization`. `?greeter.v1.Greeter=greeter` finds and registers a service by another name.
 * @throws TypeError if the URL is wrong, Error if a file can't be read.
 */
export function eurekaRegistry(url: string, { clock }: EurekaOptions): RegistryAdapter {
  const location = parseLocation(url, { scheme: 'eureka', port: PORT, keys: HTTP_KEYS });
  const { nameOf, serviceOf, address } = location;
  const servers = new HttpServers(location, { tokenHeader: 'authorization' });
  const path = `${location.path || DEFAULT_PATH}/apps`;
  const apps = new Apps({ servers, path, serviceOf, clock });
  const pathOf = (name: string, instance: Instance) =>
    `${path}/${encodeURIComponent(appOf(name))}/${encodeURIComponent(entryId(name, instance))}`;
  const read = async (name: string, instance: Instance, signal: AbortSignal) =>
    field((await servers.ask({ path: pathOf(name, instance), signal })).json, 'instance');

  async function* watch(service: string, signal: AbortSignal) {
    if (apps.isDue) await apps.next();
    for (let seen = -1; !signal.aborted; await apps.next()) {
      yield apps.revision === seen ? undefined : apps.list(service === '' ? '' : appOf(nameOf(service)));
      seen = apps.revision;
    }
  }

  const registrar = entryRegistrar(
    {
      read: async (name, instance, signal) => fromEntry(await read(name, instance, signal), serviceOf),
      async write(name, instance, { ttlMs, signal }) {
        // A server keeps what it has if its time is later.
        const before = Number(field(await read(name, instance, signal), 'lastDirtyTimestamp') ?? 0);
        const body = toEntry(name, instance, { ttlMs, dirtyAt: Math.max(before + 1, Number(instance.incarnation)) });
        const at = `${path}/${encodeURIComponent(appOf(name))}`;
        const { status } = await servers.ask({ method: 'POST', path: at, body, signal });
        if (status === 404)
          throw new Error(`${path} is not of Eureka; give eureka://HOST:PORT/PATH, PATH without /apps`);
      },
      async renew(name, instance, signal) {
        const { status } = await servers.ask({ method: 'PUT', path: pathOf(name, instance), signal });
        return status !== 404;
      },
      remove: (name, instance, signal) => servers.ask({ method: 'DELETE', path: pathOf(name, instance), signal }),
    },
    nameOf,
  );
  return {
    ...registrar,
    address,
    watch,
    async close() {
      apps.close();
      servers.close();
    },
  };
}

/** Opens Eureka for a process. @throws TypeError if the URL is wrong. */
export const openEureka: OpenRegistry = (url, options) => openedBy(eurekaRegistry(url, options), options);
