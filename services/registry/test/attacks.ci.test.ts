/**
 * Attacks on a registry. The attacker knows the code and every public answer. Its requests must harm neither an
 * instance nor the clients that call it.
 */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RegisterResponse, RenewRequest, WatchRequest } from '@rondo/contracts/rondo/registry/v1/registry';
import { type AttackSetup, createAttackSetup } from './attacks/attack-setup.js';
import { ownInstance } from './attacks/attacker.js';
import { describeAttacks } from './attacks/describe-attacks.js';

describe('a registry in memory', () => {
  describeAttacks(() => ({}));
});

describe('an attacker that fills a registry', () => {
  const LIMITS = {
    RONDO_REGISTRY_STORE: 'memory?warming-ms=0&instances=30&services=30&watches=15&cordoned=5',
  };
  let setup: AttackSetup;
  beforeAll(async () => {
    setup = await createAttackSetup(LIMITS);
    await setup.expectUnharmed();
  });
  afterAll(() => setup.close());

  it('with instances does not keep registered ones from renewing, changing and registering again', async () => {
    const codes = await setup.attack(async (attacker) => {
      const outcomes: string[] = [];
      for (let index = 0; index < 40; index += 1) {
        const instance = ownInstance({ instanceId: `false-${index}`, services: [`evil.S${index}`] });
        outcomes.push((await attacker.register({ instance, ttl: { seconds: 600n } })).code);
      }
      return outcomes;
    });
    expect(codes.filter((code) => code === 'OK')).toHaveLength(29);
    expect(codes.at(-1)).toBe('RESOURCE_EXHAUSTED');
    await setup.expectUnharmed();
    const { instance, secret, leaseId } = setup.victim;
    const again = await setup.attack(async (caller) => {
      const request = { instance: { ...(await caller.victim()), ...instance }, secret, ttl: { seconds: 600n } };
      return RegisterResponse.decode((await caller.register(request)).messages[0] ?? Buffer.alloc(0));
    });
    expect(again.leaseId).toBe(leaseId);
    await setup.expectUnharmed();
  });

  it('with watches ends no open watch and blocks no other call', async () => {
    await setup.attack(async (attacker) => {
      const request = WatchRequest.encode({ service: '', resumeFrom: undefined }).finish();
      for (let index = 0; index < 20; index += 1) await attacker.call('Watch', request, { abandon: true });
      const refused = await attacker.call('Watch', request);
      expect(refused.code).toBe('RESOURCE_EXHAUSTED');
      await setup.expectUnharmed();
    });
    await setup.expectUnharmed();
  });

  it('with refusals causes few log lines, which state how many more there were', async () => {
    const before = refusalsIn(setup.registry.output()).length;
    await setup.attack(async (attacker) => {
      const victim = await attacker.victim();
      for (let index = 0; index < 200; index += 1) await attacker.register({ instance: victim });
      const renewal = RenewRequest.encode({ leaseId: 'x', instanceId: victim.instanceId }).finish();
      await attacker.call('Renew', renewal);
    });
    await setup.expectUnharmed();
    expect(refusalsIn(setup.registry.output()).length - before).toBeLessThanOrEqual(2);
  });
});

function refusalsIn(output: string): readonly string[] {
  return output.split('\n').filter((line) => line.includes('a registration was refused'));
}
