import { type Instance, type RegistryServiceDefinition, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Client } from '@rondo/rpc/client';
import type { World } from './world.js';

/** What an attacker reaches of the registry. */
export type Attacked = Pick<Client<typeof RegistryServiceDefinition>, 'register' | 'renew' | 'update' | 'deregister'>;

/** Where an attacker would have the calls go. */
export const ATTACKER = 'attacker:6666';
const ENDPOINTS = [
  { address: ATTACKER, protocols: [], security: Security.SECURITY_PLAINTEXT, minPingInterval: undefined },
];
const LATEST = 2n ** 63n - 1n;

/** How long a victim is left in peace: an attempt costs as much as the calls of a client. */
const REST_MS = 10_000;

/**
 * Tries, every now and then and with another instance each time, what can be done with what every caller is told: none of it may
 * be answered. What comes of it otherwise, such as other endpoints, the rules find.
 */
export function createAttacker(world: World) {
  let nextAt = 0;
  let attacks = 0;
  return async (registry: Attacked, listed: readonly Instance[]): Promise<void> => {
    const victim = listed[attacks % Math.max(1, listed.length)];
    if (victim === undefined || world.clock.now() < nextAt) return;
    nextAt = world.clock.now() + REST_MS;
    attacks += 1;
    await attack(world, registry, victim);
  };
}

async function attack(world: World, registry: Attacked, instance: Instance): Promise<void> {
  const { instanceId, incarnation } = instance;
  const stolen = { ...instance, endpoints: ENDPOINTS };
  const lease = { instanceId, leaseId: `${incarnation}-${'0'.repeat(32)}` };
  const attempts = {
    'the same incarnation': () => registry.register({ instance: stolen }),
    'the same incarnation with a secret': () => registry.register({ instance: stolen, secret: Buffer.alloc(32, 6) }),
    'an incarnation of the far future': () => registry.register({ instance: { ...stolen, incarnation: LATEST } }),
    'a lease that is guessed': () => registry.renew(lease),
    'an update by that': () => registry.update({ ...lease, weight: 1, updateMask: ['weight'] }),
  };
  for (const [what, attempt] of Object.entries(attempts)) {
    const answered = await attempt().then(
      () => true,
      () => false,
    );
    const detail = `${instanceId} was had by ${what}`;
    if (answered) world.report({ rule: 'an instance is its own alone', node: 'the attacker', detail });
  }
  await registry.deregister(lease);
}
