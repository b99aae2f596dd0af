/** Whether a request may name a host, by its `Host` or `:authority`. */
export type HostCheck = (authority: string) => boolean;

/**
 * Checks the host that a request names, without its port. A page of another site can make its own name resolve to this
 * machine and then call services on it (DNS rebinding): its requests name the other site.
 *
 * @param allowed host names, IPv6 addresses in brackets, or `*` for any.
 * @param listenHost the host that the gateway listens on, which is allowed as well.
 */
export function createHostCheck(allowed: readonly string[], listenHost: string): HostCheck {
  if (allowed.includes('*')) return () => true;
  const own = listenHost.includes(':') ? `[${listenHost}]` : listenHost;
  const hosts = new Set([...allowed, own].map((host) => host.toLowerCase()));
  return (authority) => hosts.has(authority.replace(PORT, '').toLowerCase());
}

const PORT = /:\d*$/;
