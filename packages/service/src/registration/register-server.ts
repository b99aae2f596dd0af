import { RegistryServiceDefinition, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { type Logger, silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { type Clock, type Random, systemClock, systemRandom, systemWallClock } from '@rondo/rpc/clock';
import {
  checkedAddresses,
  checkZone,
  configuredMutualTls,
  configuredTransport,
  type MutualTls,
} from '@rondo/rpc/internal';
import { createState, DRAINING, type Readiness, readinessOf, type State } from '../state.js';
import type { Registrant } from './lease.js';
import { createRegistryLink } from './link.js';
import type { OtherRegistry } from './open-registry.js';
import { type Registration, startRegistration } from './registration.js';
import { followCheck, type ServerCheck } from './server-check.js';

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
  /** Labels, such as `canary: '5'`. Default: none. */
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * Resolves if the server can take calls, within a second. It is called each second: three failures in a row take the server out of use,
   * two successes in a row put it in. Default: the server takes calls as long as it is registered.
   */
  readonly check?: ServerCheck;
  /** Gets a line when the registration begins, fails, and works again. Default: no log. */
  readonly logger?: Logger;
}

/** A server in the registry. */
export interface RegisteredServer {
  /** Stops new calls to the server. Resolves once the registry knows, to false if it can't be reached. Calls in flight go on. */
  drain(signal: AbortSignal): Promise<boolean>;
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
  const { tls = false, zone = '', version = '', weight = 0, metadata = {}, check } = options;
  const security = tls ? Security.SECURITY_TLS : Security.SECURITY_PLAINTEXT;
  const readiness = createState(readinessOf(check === undefined ? [] : ['the server']));
  const entry = {
    instance: {
      instanceId,
      incarnation: BigInt(systemWallClock.now().getTime()),
      endpoints: [{ address, protocols: [], security, minPingInterval: undefined }],
      services: [...services],
      zone: checkZone(zone, 'zone'),
      version,
      weight,
      metadata,
      fingerprints: {},
    },
    readiness,
    ttlMs: 10_000,
    clock: systemClock,
    random: systemRandom,
    log: logger,
  };
  const { registration, end } = open(registry, entry);
  const ending = new AbortController();
  const { signal } = ending;
  if (check !== undefined) void followCheck({ check, readiness, clock: systemClock, log: logger, signal });
  return {
    drain(noLonger) {
      ending.abort();
      readiness.set(DRAINING);
      return registration?.synced(noLonger) ?? Promise.resolve(true);
    },
    async close() {
      ending.abort();
      await registration?.close();
      await end?.();
    },
  };
}

/** Registers a server at a registry of either kind. `end` is what is left to end. */
function open(
  registry: RegisterServerOptions['registry'],
  entry: Omit<KeepRegisteredOptions, 'registry' | 'mutualTls'>,
): { readonly registration: Registration | undefined; readonly end?: () => Promise<void> } {
  if (!('openRegistrar' in registry)) {
    const mutualTls = configuredMutualTls(process.env);
    const frames = configuredTransport(process.env['RONDO_TRANSPORT']) !== 'grpc';
    return { registration: keepRegistered({ ...entry, registry: checkedAddresses(registry), mutualTls, frames }) };
  }
  const registrar = registry.openRegistrar(entry);
  if (registrar === undefined) return { registration: undefined };
  const registration = startRegistration({ ...entry, registry: registrar.registry });
  return { registration, end: () => registrar.close() };
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
