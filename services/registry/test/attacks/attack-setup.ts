import { expect } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import {
  type Instance,
  InstanceStatus,
  Protocol,
  RegistryServiceDefinition,
  Security,
} from '@rondo/contracts/rondo/registry/v1/registry';
import { type Client, createChannel, createClient, createRegistryChannel, staticResolver } from '@rondo/rpc/client';
import { sleep, systemClock, systemRandom, systemWallClock } from '@rondo/rpc/clock';
import { createRouter, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';
import { type Attacker, connectAttacker } from './attacker.js';
import { type RegistryProcess, startRegistryProcess } from './registry-process.js';

/** The service of the victim. */
export const ADDER = AdderServiceDefinition.fullName;
const VICTIM = 'adder-1';
/** Only a hang takes so long. */
const READY_MS = 300_000;
const TTL = { seconds: 600n, nanos: 0 };

/** A registry, an instance that is attacked, and a client that keeps calling the instance. */
export interface AttackSetup {
  readonly registry: RegistryProcess;
  readonly victim: Victim;
  /** Runs an attack over a connection of its own. */
  attack<T>(work: (attacker: Attacker) => Promise<T>): Promise<T>;
  /**
   * Expects that the victim is registered as it described itself, can renew, change and be called, and that the
   * registry runs.
   */
  expectUnharmed(): Promise<void>;
  close(): Promise<void>;
}

/** An instance as it registered, with what only the instance and the registry know. */
interface Victim {
  readonly instance: Pick<Instance, 'instanceId' | 'incarnation' | 'endpoints' | 'services'>;
  readonly secret: Buffer;
  readonly leaseId: string;
}

/** Starts the registry, the victim and the client. */
export async function createAttackSetup(environment: Readonly<Record<string, string>> = {}): Promise<AttackSetup> {
  const registry = await startRegistryProcess({ RONDO_REGISTRY_STORE: 'memory?warming-ms=0', ...environment });
  const services = [standIn(AdderServiceDefinition, { add: ({ a, b }) => ({ result: a + b }) })];
  const server = await serve(createRouter({ services, instanceId: VICTIM }), { listen: '127.0.0.1:0' });
  const channel = createChannel({ resolver: staticResolver([registry.address]) });
  const client = createClient(RegistryServiceDefinition, { channel });
  await untilReady(client);
  const victim = await register(client, server.address);
  const customer = createRegistryChannel({ registry: [registry.address] });
  const adder = createClient(AdderServiceDefinition, { channel: customer });
  let weight = 1;
  return {
    registry,
    victim,
    async attack(work) {
      const attacker = connectAttacker(registry.address, VICTIM);
      try {
        return await work(attacker);
      } finally {
        attacker.close();
      }
    },
    async expectUnharmed() {
      const lease = { leaseId: victim.leaseId, instanceId: VICTIM };
      expect(registry.alive).toBe(true);
      expect(await listed(client)).toMatchObject({ ...victim.instance, status: SERVING, weight });
      expect(await client.renew(lease)).toMatchObject({ ttl: TTL });
      weight += 1;
      await client.update({ ...lease, weight, updateMask: ['weight'] });
      expect(await listed(client)).toMatchObject({ ...victim.instance, status: SERVING, weight });
      expect(await adder.add({ a: 2n, b: 3n })).toMatchObject({ result: 5n });
    },
    async close() {
      customer.close();
      channel.close();
      await server.drain(0);
      await registry.close();
    },
  };
}

const SERVING = InstanceStatus.INSTANCE_STATUS_SERVING;

/** Waits until the store has answered. */
async function untilReady(client: Client<typeof RegistryServiceDefinition>): Promise<void> {
  const givesUpAt = systemClock.now() + READY_MS;
  for (;;) {
    try {
      await client.listServices({});
      return;
    } catch (error) {
      if (systemClock.now() > givesUpAt) throw error;
      await sleep(systemClock, 50);
    }
  }
}

async function register(client: Client<typeof RegistryServiceDefinition>, address: string): Promise<Victim> {
  const plain = { protocols: [Protocol.PROTOCOL_GRPC], security: Security.SECURITY_PLAINTEXT };
  const instance = {
    instanceId: VICTIM,
    incarnation: BigInt(systemWallClock.now().getTime()),
    endpoints: [{ ...plain, address, minPingInterval: { seconds: 1n, nanos: 0 } }],
    services: [ADDER],
  };
  const secret = Buffer.from(systemRandom.hex(32), 'hex');
  const request = { instance: { ...instance, weight: 1, status: SERVING }, ttl: TTL, secret };
  const { leaseId } = await client.register(request);
  return { instance, secret, leaseId };
}

async function listed(client: Client<typeof RegistryServiceDefinition>): Promise<Instance | undefined> {
  const { instances } = await client.listInstances({ service: ADDER });
  return instances.find(({ instanceId }) => instanceId === VICTIM);
}
