import { isIPv6 } from 'node:net';
import type { NetworkInterfaceInfo } from 'node:os';
import { formatHostPort, type HostPort } from '../config/parser.js';
import type { ReachableAt } from '../config/parsers.js';

/** From what an address for others is found. */
export interface AdvertisedOptions {
  /** What the operator says. */
  readonly advertise: ReachableAt | undefined;
  /** Where the server is bound, with its real port. */
  readonly bound: HostPort;
  /** The machine's network interfaces: `os.networkInterfaces()`. */
  readonly interfaces: () => NodeJS.Dict<NetworkInterfaceInfo[]>;
}

/**
 * The `host:port` at which others reach this process: what the operator says, else what is bound, else, where that is
 * every interface, the machine's first address that isn't its own loopback.
 */
export function advertisedAddress({ advertise, bound, interfaces }: AdvertisedOptions): string {
  if (advertise !== undefined) return formatHostPort({ host: advertise.host, port: advertise.port ?? bound.port });
  if (bound.host !== '0.0.0.0' && bound.host !== '::') return formatHostPort(bound);
  return formatHostPort({ host: ownAddress(interfaces()) ?? loopback(bound.host), port: bound.port });
}

function ownAddress(interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>): string | undefined {
  const addresses = Object.values(interfaces).flatMap((infos) => infos ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}

function loopback(host: string): string {
  return isIPv6(host) ? '::1' : '127.0.0.1';
}
