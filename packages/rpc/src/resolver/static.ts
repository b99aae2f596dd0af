import { DEFAULT_WEIGHT } from './endpoint.js';
import { ALL_SERVICES, type Endpoint, type Resolver } from './resolver.js';

/** How often every Rondo server accepts a keepalive ping. Milliseconds. */
export const PEER_PING_INTERVAL_MS = 200;

/** How often a client pings a registry that it watches: as often as a watch sends something. Milliseconds. */
export const WATCH_PING_INTERVAL_MS = 5_000;

/** What is known of the instances at fixed addresses, besides the address. */
export type StaticResolverOptions = Partial<Omit<Endpoint, 'instanceId' | 'address' | 'state'>>;

/** The endpoint at a fixed address, of which only `known` is known. */
export function fixedEndpoint(address: string, known: Partial<Endpoint> = {}): Endpoint {
  const unsaid = { zone: '', weight: DEFAULT_WEIGHT, version: '', metadata: {}, incarnation: 0 };
  return { instanceId: address, address, state: 'serving', ...unsaid, ...known };
}

/** A resolver with fixed addresses: every service is at all of them. It knows no service by name. */
export function staticResolver(addresses: readonly string[], options: StaticResolverOptions = {}): Resolver {
  return fixedResolver(addresses.map((address) => fixedEndpoint(address, options)));
}

/** A resolver with these endpoints: every service is at all of them. It knows no service by name. */
export function fixedResolver(endpoints: readonly Endpoint[]): Resolver {
  return {
    source: `the fixed list ${endpoints.map(({ address }) => address).join(', ')}`,
    resolve(service, listener) {
      listener.onResolution({ endpoints: service === ALL_SERVICES ? [] : endpoints, departed: [] });
      return { close() {} };
    },
    close() {},
  };
}
