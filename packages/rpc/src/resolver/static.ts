import { DEFAULT_WEIGHT } from './endpoint.js';
import type { Endpoint, Resolver } from './resolver.js';

/** How often every Rondo server lets itself be pinged. Milliseconds. */
export const PEER_PING_INTERVAL_MS = 1_000;

/** What is known of fixed addresses beside where they are. */
export type StaticResolverOptions = Partial<Omit<Endpoint, 'instanceId' | 'address' | 'standing'>>;

/** The instance at a fixed address, of which nobody has said anything but what is given. */
export function fixedEndpoint(address: string, known: Partial<Endpoint> = {}): Endpoint {
  const unsaid = { zone: '', weight: DEFAULT_WEIGHT, version: '', metadata: {}, incarnation: 0 };
  return { instanceId: address, address, standing: 'serving', ...unsaid, ...known };
}

/** A resolver that knows its addresses from the start: every service is at all of them. */
export function staticResolver(addresses: readonly string[], options: StaticResolverOptions = {}): Resolver {
  const endpoints = addresses.map((address) => fixedEndpoint(address, options));
  return {
    source: `the fixed list ${addresses.join(', ')}`,
    resolve(_service, listener) {
      listener.onResolution({ endpoints, departed: [] });
      return { close() {} };
    },
    close() {},
  };
}
