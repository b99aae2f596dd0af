import { url as inspectorUrl } from 'node:inspector';
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import { Protocol, RegistryServiceDefinition, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { createClient } from '@rondo/rpc/client';
import { PEER_PING_INTERVAL_MS } from '@rondo/rpc/resolver';
import { formatHostPort, type HostPort, type ReachableAt } from '../config/parsers.js';
import { createRegistryLink } from '../registration/link.js';
import type { Registrant } from '../registration/lease.js';
import { type Registration, startRegistration } from '../registration/registration.js';
import type { Readiness, State } from '../state.js';
import { fingerprints } from './descriptors.js';
import type { ServiceRuntime } from './service.js';
import { isIPv6 } from 'node:net';

/** What is registered. */
interface RegisterOptions {
  readonly services: readonly string[];
  /** What the fingerprints of their contracts are taken from; undefined where there is none. */
  readonly descriptorSet: Uint8Array | undefined;
  /** The port that is bound. */
  readonly port: number;
  readonly readiness: State<Readiness>;
}

/** How often a Rondo server lets its clients ping it, so that they notice soon when it is frozen. */
const MIN_PING_INTERVAL = { seconds: BigInt(PEER_PING_INTERVAL_MS / 1_000), nanos: 0 };

/** Registers the process with one of the registries at `RONDO_REGISTRY`, over a connection of its own. */
export function register(scene: ServiceRuntime, options: RegisterOptions): Registration {
  const { config, clock, random, log } = scene;
  const addresses = config.registry.map(formatHostPort);
  const link = createRegistryLink({ addresses, clock, random, log });
  const registration = startRegistration({
    registry: createClient(RegistryServiceDefinition, { channel: link.channel }),
    link,
    instance: registrant(scene, options),
    readiness: options.readiness,
    ttlMs: config.leaseTtlMs,
    clock,
    random,
    log,
  });
  return {
    told: (signal) => registration.told(signal),
    async close() {
      await registration.close();
      link.channel.close();
    },
  };
}

function registrant(scene: ServiceRuntime, { services, descriptorSet, port }: RegisterOptions): Registrant {
  const { config, instanceId, startedAt, log } = scene;
  const bound = { host: config.listen.host, port };
  const address = advertisedAddress({ advertise: config.advertise, bound, interfaces: networkInterfaces });
  return {
    instanceId,
    incarnation: BigInt(startedAt.getTime()),
    endpoints: [
      {
        address,
        protocols: [Protocol.PROTOCOL_GRPC],
        security: Security.SECURITY_PLAINTEXT,
        // A debugger that holds the process at a breakpoint must not end its connections: it asks for no pings.
        minPingInterval: inspectorUrl() === undefined ? MIN_PING_INTERVAL : undefined,
      },
    ],
    services: [...services],
    zone: config.zone ?? '',
    version: config.version,
    weight: config.weight,
    metadata: config.metadata,
    fingerprints: fingerprints(services, descriptorSet, log),
  };
}

/** From what an address for others is found. */
interface AdvertisedOptions {
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
