import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { field, type Held, HTTP_KEYS, HttpServers, parseLocation, type RegistryAdapter } from '@rondo/registries';
import { checkOf, entryId, fromMeta, toEntry } from './entry.js';
import { ConsulWatch } from './watch.js';

const PORT = 8500;

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
  const namesOf = ({ services }: Instance) => services.map(location.nameOf);

  async function check(name: string, instance: Instance, signal: AbortSignal): Promise<Held> {
    const path = `/v1/agent/service/${encodeURIComponent(entryId(name, instance))}`;
    const { status, json } = await agent.ask({ path, signal });
    if (status === 404) return 'forgotten';
    const { incarnation = 0n } = fromMeta(field(json, 'Meta')) ?? {};
    if (incarnation === instance.incarnation) return 'held';
    return incarnation > instance.incarnation ? 'displaced' : 'forgotten';
  }

  async function checkAll(instance: Instance, signal: AbortSignal): Promise<Held> {
    const all = await Promise.all(namesOf(instance).map((name) => check(name, instance, signal)));
    return all.find((held) => held === 'displaced') ?? all.find((held) => held === 'forgotten') ?? 'held';
  }

  /** Makes one request for each service of the instance. */
  const put = (instance: Instance, signal: AbortSignal, asked: (name: string) => { path: string; body?: object }) =>
    Promise.all(namesOf(instance).map((name) => agent.ask({ method: 'PUT', ...asked(name), signal })));

  return {
    address: location.address,
    watch: (service, signal) => (service === '' ? watch.all(signal) : watch.one(service, signal)),
    async write(instance, { ttlMs, signal }) {
      if ((await checkAll(instance, signal)) === 'displaced') return 'displaced';
      const path = '/v1/agent/service/register?replace-existing-checks=true';
      await put(instance, signal, (name) => ({ path, body: toEntry(name, instance, ttlMs) }));
      return 'held';
    },
    async renew(instance, { signal }) {
      const held = await checkAll(instance, signal);
      if (held !== 'held') return held;
      const renewed = await put(instance, signal, (name) => ({
        path: `/v1/agent/check/${checkOf(instance)}/${encodeURIComponent(entryId(name, instance))}`,
      }));
      return renewed.some(({ status }) => status === 404) ? 'forgotten' : 'held';
    },
    async remove(instance, signal) {
      if ((await checkAll(instance, signal)) === 'displaced') return;
      await put(instance, signal, (name) => ({
        path: `/v1/agent/service/deregister/${encodeURIComponent(entryId(name, instance))}`,
      }));
    },
    async close() {
      agent.close();
    },
  };
}
