import { type Instance, type RegistryServiceDefinition, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Client } from '@rondo/rpc/client';
import type { World } from './world.js';

/** The methods of the registry that an attacker calls. */
export type Attacked = Pick<Client<typeof RegistryServiceDefinition>, 'register' | 'renew' | 'update' | 'deregister'>;

/** The address to which the attacker wants to divert calls. */
export const ATTACKER = 'attacker:6666';
const ENDPOINTS = [
  { address: ATTACKER, protocols: [], security: Security.SECURITY_PLAINTEXT, minPingInterval: undefined },
];
const LATEST = 2n ** 63n - 1n;

/** The pause between two attacks, in milliseconds: an attack costs as much as the calls of a client. */
const REST_MS = 10_000;

/**
 * Creates an attacker that attacks now and then, another instance each time, with what every caller knows. No attempt
 * may succeed. The rules detect other effects, such as changed endpoints.
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
    'a renewal with a guessed lease': () => registry.renew(lease),
    'an update with a guessed lease': () => registry.update({ ...lease, weight: 1, updateMask: ['weight'] }),
  };
  for (const [what, attempt] of Object.entries(attempts)) {
    const accepted = await attempt().then(
      () => true,
      () => false,
    );
    const detail = `${instanceId} accepted ${what}`;
    if (accepted)
      world.report({ rule: 'only an instance itself changes its registration', node: 'the attacker', detail });
  }
  await registry.deregister(lease);
}
