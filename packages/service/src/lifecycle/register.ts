import { networkInterfaces } from 'node:os';
import { Protocol, RegistryServiceDefinition, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { createChannel, createClient } from '@rondo/rpc/client';
import { staticResolver } from '@rondo/rpc/resolver';
import { formatHostPort } from '../config/index.js';
import { advertisedAddress, type Registrant, type Registration, startRegistration } from '../registration/index.js';
import type { Readiness, State } from '../state/index.js';
import type { Scene } from './scene.js';

/** What is registered. */
export interface RegisterOptions {
  readonly services: readonly string[];
  /** The port that is bound. */
  readonly port: number;
  readonly readiness: State<Readiness>;
}

/** Registers the process with the registry at `RONDO_REGISTRY`, over a connection of its own. */
export function register(scene: Scene, { services, port, readiness }: RegisterOptions): Registration {
  const { config, clock, random, log } = scene;
  const resolver = staticResolver(config.registry.map(formatHostPort));
  const channel = createChannel({ resolver, clock, random, logger: log });
  const registration = startRegistration({
    registry: createClient(RegistryServiceDefinition, { channel }),
    instance: registrant(scene, services, port),
    readiness,
    ttlMs: config.leaseTtlMs,
    clock,
    random,
    log,
  });
  return {
    told: (signal) => registration.told(signal),
    async close() {
      await registration.close();
      channel.close();
    },
  };
}

function registrant({ config, instanceId, startedAt }: Scene, services: readonly string[], port: number): Registrant {
  const bound = { host: config.listen.host, port };
  const address = advertisedAddress({ advertise: config.advertise, bound, interfaces: networkInterfaces });
  return {
    instanceId,
    incarnation: BigInt(Math.trunc(startedAt)),
    endpoints: [{ address, protocols: [Protocol.PROTOCOL_GRPC], security: Security.SECURITY_PLAINTEXT }],
    services: [...services],
    zone: config.zone ?? '',
    version: '',
    weight: 0,
    metadata: {},
  };
}
