import { BlockList, isIP } from 'node:net';

/** The address of a request's client: of the connection, or what trusted proxies say. */
export type ClientAddress = (remote: string, forwardedFor: string | undefined) => string;

/** Whether an address is one of some proxies, given as addresses or networks such as `10.0.0.0/8`. */
export function createProxyCheck(proxies: readonly string[]): (address: string) => boolean {
  const list = toBlockList(proxies);
  return (address) => {
    const bare = plain(address);
    return proxies.length > 0 && list.check(bare, isIP(bare) === 6 ? 'ipv6' : 'ipv4');
  };
}

/**
 * Finds a client's address. `X-Forwarded-For` counts only if the connection comes from a trusted proxy. Then the client is
 * the last address in it that isn't one of the trusted proxies, because everything before it may be invented.
 */
export function createClientAddress(isTrusted: (address: string) => boolean): ClientAddress {
  return (remote, forwardedFor) => {
    let client = plain(remote);
    if (forwardedFor === undefined || !isTrusted(client)) return client;
    for (const hop of forwardedFor.split(',').reverse()) {
      const address = plain(hop.trim());
      if (isIP(address) === 0) return client;
      client = address;
      if (!isTrusted(address)) return client;
    }
    return client;
  };
}

function toBlockList(proxies: readonly string[]): BlockList {
  const list = new BlockList();
  for (const proxy of proxies) {
    const [address = '', bits] = proxy.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

const IPV4_WITH_PORT = /^(\d+\.\d+\.\d+\.\d+):\d+$/;
const IPV6_IN_BRACKETS = /^\[([^\]]+)\](?::\d+)?$/;

/** An address without a port, brackets or the prefix of an IPv4 address in IPv6. */
function plain(address: string): string {
  const bare = IPV4_WITH_PORT.exec(address)?.[1] ?? IPV6_IN_BRACKETS.exec(address)?.[1] ?? address;
  return bare.replace(/^::ffff:(?=\d+\.)/i, '');
}
