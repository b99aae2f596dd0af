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
import { checkOf, entryId, fromMeta, toEntry } from './entry.js';
import { ConsulWatch, notConsul } from './watch.js';

const PORT = 8500;
const REGISTER = '/v1/agent/service/register';
const pathOf = (name: string, instance: Instance) => encodeURIComponent(entryId(name, instance));

/**
 * Consul as a registry: each service of an instance is a service of the agent, with a check that the process renews.
 *
 * @param url `consul://HOST:PORT`, an agent. Keys: `tls=on`, `ca-file`, `cert-file`, `key-file`, `token-file` and `dc`, another
 *   datacenter to find instances in. `?greeter.v1.Greeter=greeter` finds and registers a service by another name.
 * @throws TypeError if the URL is wrong, Error if a file can't be read.
 */
export function consulRegistry(url: string): RegistryAdapter {
  const location = parseLocation(url, { scheme: 'consul', port: PORT, keys: [...HTTP_KEYS, 'dc'] });
  const agent = new HttpServers(location, { tokenHeader: 'x-consul-token' });
  const watch = new ConsulWatch(agent, location);
  const put = (path: string, signal: AbortSignal, body?: object) => agent.ask({ method: 'PUT', path, body, signal });
  const registrar = entryRegistrar(
    {
      async read(name, instance, signal) {
        const { json } = await agent.ask({ path: `/v1/agent/service/${pathOf(name, instance)}`, signal });
        return fromMeta(field(json, 'Meta'));
      },
      async write(name, instance, { ttlMs, signal }) {
        const { status } = await put(
          `${REGISTER}?replace-existing-checks=true`,
          signal,
          toEntry(name, instance, ttlMs),
        );
        if (status === 404) throw notConsul(REGISTER);
      },
      async renew(name, instance, signal) {
        const { status } = await put(`/v1/agent/check/${checkOf(instance)}/${pathOf(name, instance)}`, signal);
        return status !== 404;
      },
      remove: (name, instance, signal) => put(`/v1/agent/service/deregister/${pathOf(name, instance)}`, signal),
    },
    location.nameOf,
  );
  return {
    ...registrar,
    address: location.address,
    watch: (service, signal) => (service === '' ? watch.all(signal) : watch.one(service, signal)),
    async close() {
      agent.close();
    },
  };
}

/** Opens Consul for a process. @throws TypeError if the URL is wrong. */
export const openConsul: OpenRegistry = (url, options) => openedBy(consulRegistry(url), options);
