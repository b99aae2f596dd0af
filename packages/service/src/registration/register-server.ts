import { RegistryServiceDefinition, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { type Logger, silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { type Clock, type Random, systemClock, systemRandom, systemWallClock } from '@rondo/rpc/clock';
import { checkedAddresses, checkZone, configuredMutualTls, type MutualTls } from '@rondo/rpc/internal';
import { createState, type Readiness, readinessOf, type State } from '../state.js';
import type { Registrant } from './lease.js';
import { createRegistryLink } from './link.js';
import type { OtherRegistry } from './open-registry.js';
import { type Registration, startRegistration } from './registration.js';

/** A gRPC server of another framework, such as NestJS or grpc-js, as it registers. */
export interface RegisterServerOptions {
  /** The addresses of the registries, as `host:port`, of which one is enough; or what `openRegistry` gives. */
  readonly registry: readonly string[] | OtherRegistry;
  /** A name that no other process in the registry has: 1 to 128 characters of `a-z A-Z 0-9 . _ -`. */
  readonly instanceId: string;
  /** The `host:port` at which clients reach the server. */
  readonly address: string;
  /** The full names of the services that it serves, such as `greeter.v1.GreeterService`. */
  readonly services: readonly string[];
  /** Whether clients reach the server by TLS. Default: false. */
  readonly tls?: boolean;
  /** The server's `region/zone`. Default: none. */
  readonly zone?: string;
  readonly version?: string;
  /** Its share of calls relative to its peers, 1 to 1000. Default: 100. */
  readonly weight?: number;
  /** Gets a line when the registration begins, fails, and works again. Default: no log. */
  readonly logger?: Logger;
}

/** A server in the registry. */
export interface RegisteredServer {
  /** Takes the server out of the registry: call it before the server is closed. Never rejects. */
  close(): Promise<void>;
}

/**
 * Registers a server that isn't Rondo's, once it listens, so that clients find it by its services. An absent registry is tried
 * again. `RONDO_TLS` and the variables of its certificate say how Rondo's own registry is called.
 *
 * @throws TypeError if `zone`, the registry's URL or one of the variables is wrong; Error if `registry` lists a URL.
 */
export function registerServer(options: RegisterServerOptions): RegisteredServer {
  const { registry, instanceId, address, services, logger = silentLogger } = options;
  const { tls = false, zone = '', version = '', weight = 0 } = options;
  const security = tls ? Security.SECURITY_TLS : Security.SECURITY_PLAINTEXT;
  const entry = {
    instance: {
      instanceId,
      incarnation: BigInt(systemWallClock.now().getTime()),
      endpoints: [{ address, protocols: [], security, minPingInterval: undefined }],
      services: [...services],
      zone: checkZone(zone, 'zone'),
      version,
      weight,
      metadata: {},
      fingerprints: {},
    },
    readiness: createState(readinessOf([])),
    ttlMs: 10_000,
    clock: systemClock,
    random: systemRandom,
    log: logger,
  };
  if (!('openRegistrar' in registry)) {
    return keepRegistered({
      ...entry,
      registry: checkedAddresses(registry),
      mutualTls: configuredMutualTls(process.env),
    });
  }
  const registrar = registry.openRegistrar(entry);
  const registration = registrar && startRegistration({ ...entry, registry: registrar.registry });
  return {
    async close() {
      await registration?.close();
      await registrar?.close();
    },
  };
}

/** What {@link keepRegistered} takes. */
interface KeepRegisteredOptions {
  readonly registry: readonly string[];
  readonly instance: Registrant;
  readonly readiness: State<Readiness>;
  readonly weight?: State<number>;
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Undefined without TLS. */
  readonly mutualTls?: MutualTls | undefined;
  /** Whether registries are called by frames. True by default. */
  readonly frames?: boolean;
}

/** Registers an instance at one of the registries, over a connection of its own. */
export function keepRegistered({ registry, mutualTls, frames, ...options }: KeepRegisteredOptions): Registration {
  const { clock, random, log } = options;
  const link = createRegistryLink({ addresses: registry, clock, random, log, mutualTls, frames });
  const client = createClient(RegistryServiceDefinition, { channel: link.channel });
  const registration = startRegistration({ ...options, registry: client, link });
  return {
    synced: (signal) => registration.synced(signal),
    async close() {
      await registration.close();
      link.channel.close();
    },
  };
}
