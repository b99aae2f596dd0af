import { Endpoint, type Instance, OperatorState, type Security } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Held, Registrar, WriteOptions } from './adapter.js';

/** More instances can't be right. */
export const MAX_INSTANCES = 50_000;

/** @throws RangeError if there are more than {@link MAX_INSTANCES}. */
export function checkCount(count: number): void {
  if (count > MAX_INSTANCES) throw new RangeError(`it names more than ${MAX_INSTANCES} instances`);
}

/** What a text of an instance takes besides its characters, with its share of the objects. Bytes. */
const TEXT_BYTES = 64;

/** What instances take, by an estimate. Bytes. */
export const takenBy = (instances: readonly Instance[]): number =>
  instances.flatMap(textsOf).reduce((sum, { length }) => sum + length + TEXT_BYTES, 0);

/** All texts of an instance. */
export function textsOf({ instanceId, zone, version, metadata, services, endpoints }: Instance): readonly string[] {
  const addresses = endpoints.map(({ address }) => address);
  return [instanceId, zone, version, ...Object.entries(metadata).flat(), ...services, ...addresses];
}

/** Each instance once: the latest, if a registry lists an id several times; cordoned, if one of its entries is. */
export function latest(instances: readonly Instance[]): readonly Instance[] {
  const byId = new Map<string, Instance>();
  const rankOf = ({ incarnation, operatorState }: Instance) =>
    2n * incarnation + (operatorState === OperatorState.OPERATOR_STATE_CORDONED ? 1n : 0n);
  for (const instance of instances) {
    const other = byId.get(instance.instanceId);
    if (other === undefined || rankOf(other) <= rankOf(instance)) byId.set(instance.instanceId, instance);
  }
  return [...byId.values()];
}

/** Where an instance is, as other registries write it: an IPv6 address has no brackets. */
export function hostOf(instance: Instance, security?: Security): { readonly host: string; readonly port: number } {
  const { endpoints } = instance;
  const { address = '' } = endpoints.find((endpoint) => endpoint.security === (security ?? endpoint.security)) ?? {};
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
}

/** The endpoint of an instance that another program has registered; none if its fields are none. */
export function endpointAt(host: string, port: unknown, security: Security): readonly Endpoint[] {
  if (host === '' || typeof port !== 'number' || !Number.isInteger(port)) return [];
  return [Endpoint.fromPartial({ address: `${host.includes(':') ? `[${host}]` : host}:${port}`, security })];
}

/** The requests of a registry that has an entry for each service of an instance. */
export interface EntryRequests {
  /** The instance of the entry; undefined if there is none. One that another program has written has incarnation 0. */
  read(name: string, instance: Instance, signal: AbortSignal): Promise<Instance | undefined>;
  write(name: string, instance: Instance, options: WriteOptions): Promise<unknown>;
  /** Returns whether there was an entry. */
  renew(name: string, instance: Instance, signal: AbortSignal): Promise<boolean>;
  remove(name: string, instance: Instance, signal: AbortSignal): Promise<unknown>;
}

/** Keeps an instance by an entry for each of its services. `nameOf` is the registry's name of a service. */
export function entryRegistrar(requests: EntryRequests, nameOf: (service: string) => string): Registrar {
  const each = <T>({ services }: Instance, ask: (name: string) => Promise<T>) =>
    Promise.all(services.map((service) => ask(nameOf(service))));

  async function check(instance: Instance, signal: AbortSignal): Promise<Held> {
    const found = await each(instance, (name) => requests.read(name, instance, signal));
    const times = found.map((entry) => entry?.incarnation ?? 0n);
    if (times.some((time) => time > instance.incarnation)) return 'displaced';
    return times.every((time) => time === instance.incarnation) ? 'held' : 'forgotten';
  }

  return {
    async write(instance, options) {
      if ((await check(instance, options.signal)) === 'displaced') return 'displaced';
      await each(instance, (name) => requests.write(name, instance, options));
      return 'held';
    },
    async renew(instance, { signal }) {
      const held = await check(instance, signal);
      if (held !== 'held') return held;
      const renewed = await each(instance, (name) => requests.renew(name, instance, signal));
      return renewed.includes(false) ? 'forgotten' : 'held';
    },
    async remove(instance, signal) {
      if ((await check(instance, signal)) === 'displaced') return;
      await each(instance, (name) => requests.remove(name, instance, signal));
    },
  };
}
