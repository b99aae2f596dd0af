import { url as inspectorUrl } from 'node:inspector';
import { isIPv6 } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { Protocol, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { type MutualTls, PEER_PING_INTERVAL_MS } from '@rondo/rpc/internal';
import type { RpcServer } from '@rondo/rpc/server';
import { formatHostPort, type HostPort, type ReachableAt } from '../config/parsers.js';
import { weightOf } from '../live-config/apply.js';
import type { Registrant } from '../registration/lease.js';
import { keepRegistered } from '../registration/register-server.js';
import { type Registration, startRegistration } from '../registration/registration.js';
import type { Readiness, State } from '../state.js';
import { fingerprints } from './descriptors.js';
import { type Directory, registriesOf } from './directory.js';
import type { ServiceRuntime } from './service.js';

/** What a process registers. */
interface RegisterOptions {
  readonly services: readonly string[];
  /** The descriptor set for the fingerprints of the contracts; undefined if there is none. */
  readonly descriptorSet: Uint8Array | undefined;
  readonly server: Pick<RpcServer, 'port' | 'frames' | 'tls'>;
  readonly readiness: State<Readiness>;
  /** Undefined without TLS. */
  readonly tls: MutualTls | undefined;
  /** Undefined for Rondo's own registry. */
  readonly directory: Directory | undefined;
}

/** How often clients may ping a Rondo server, so that they detect a frozen one soon. */
const MIN_PING_INTERVAL = { seconds: 0n, nanos: PEER_PING_INTERVAL_MS * 1_000_000 };

/** How clients may connect, the better way first. */
const SECURITIES: Readonly<Record<RpcServer['tls'], readonly Security[]>> = {
  off: [Security.SECURITY_PLAINTEXT],
  permissive: [Security.SECURITY_TLS, Security.SECURITY_PLAINTEXT],
  on: [Security.SECURITY_TLS],
};

/** A registry that lists processes by itself asks for their readiness, and knows from the one who ends them that they end. */
const LISTED_BY_ITSELF: Registration = { synced: () => Promise.resolve(true), close: () => Promise.resolve() };

/** Registers the process at the registry in `RONDO_REGISTRY`, at Rondo's own over a connection of its own. */
export function register(runtime: ServiceRuntime, options: RegisterOptions): Registration {
  const { config, clock, random, log } = runtime;
  const { readiness, directory, tls: mutualTls } = options;
  const { leaseTtlMs: ttlMs } = config;
  if (directory !== undefined && directory.registrar === undefined) return LISTED_BY_ITSELF;
  const weight = weightOf(runtime, options.services);
  const entry = { instance: registrant(runtime, options), readiness, weight, ttlMs, clock, random, log };
  return directory?.registrar
    ? startRegistration({ ...entry, registry: directory.registrar })
    : keepRegistered({ ...entry, registry: registriesOf(config), mutualTls, frames: config.transport !== 'grpc' });
}

function registrant(runtime: ServiceRuntime, { services, descriptorSet, server }: RegisterOptions): Registrant {
  const { config, instanceId, startedAt, log } = runtime;
  const bound = { host: config.listen.host, port: server.port };
  const address = advertisedAddress({ advertise: config.advertise, bound, interfaces: networkInterfaces });
  return {
    instanceId,
    incarnation: BigInt(startedAt.getTime()),
    endpoints: SECURITIES[server.tls].map((security) => ({
      address,
      protocols: [Protocol.PROTOCOL_GRPC, ...(server.frames ? [Protocol.PROTOCOL_FRAMES] : [])],
      security,
      // Under a debugger the process asks for no pings: a breakpoint must not end its connections.
      minPingInterval: inspectorUrl() === undefined ? MIN_PING_INTERVAL : undefined,
    })),
    services: [...services],
    zone: config.zone ?? '',
    version: config.version,
    weight: config.weight,
    metadata: config.metadata,
    fingerprints: fingerprints(services, descriptorSet, log),
  };
}

/** The inputs of {@link advertisedAddress}. */
interface AdvertisedOptions {
  /** `RONDO_ADVERTISE`; undefined if it isn't set. */
  readonly advertise: ReachableAt | undefined;
  /** The address that the server listens on, with its real port. */
  readonly bound: HostPort;
  /** The machine's network interfaces: `os.networkInterfaces()`. */
  readonly interfaces: () => NodeJS.Dict<NetworkInterfaceInfo[]>;
}

/**
 * The `host:port` at which other processes reach this one. `RONDO_ADVERTISE` comes first, then the address that the
 * server listens on. If the server listens on every interface, it is the machine's first non-loopback address.
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
