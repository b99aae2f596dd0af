import type { Endpoint, Resolver } from './resolver.js';

/** How often every Rondo server lets itself be pinged. Milliseconds. */
export const PEER_PING_INTERVAL_MS = 1_000;

/** What is known of fixed addresses beside where they are. */
export type StaticResolverOptions = Pick<Endpoint, 'minPingIntervalMs'>;

/** A resolver that knows its addresses from the start: every service is at all of them. */
export function staticResolver(addresses: readonly string[], options: StaticResolverOptions = {}): Resolver {
  const endpoints = addresses.map((address): Endpoint => {
    return { instanceId: address, address, zone: '', standing: 'serving', ...options };
  });
  return {
    source: `the fixed list ${addresses.join(', ')}`,
    resolve(_service, listener) {
      listener.onResolution({ endpoints, departed: [] });
      return { close() {} };
    },
    close() {},
  };
}
