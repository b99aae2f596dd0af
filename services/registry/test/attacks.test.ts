/**
 * Attacks on a registry. The attacker knows the code and every public answer. Its requests must harm neither an
 * instance nor the clients that call it.
 */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RegisterResponse, RenewRequest, WatchRequest } from '@rondo/contracts/rondo/registry/v1/registry';
import { type AttackSetup, createAttackSetup } from './attacks/attack-setup.js';
import { ownInstance } from './attacks/attacker.js';
import { leaseAttempts } from './attacks/lease-attempts.js';
import { malformedAttempts } from './attacks/malformed-attempts.js';
import { registerAttempts } from './attacks/register-attempts.js';
import { wireAttempts } from './attacks/wire-attempts.js';
import { type EtcdProcess, noEtcd, startEtcd, tellSkipped } from './etcd/etcd-process.js';

tellSkipped('attacks on a registry over etcd', noEtcd);

/** All attacks. */
const ATTEMPTS = [...registerAttempts, ...leaseAttempts, ...malformedAttempts, ...wireAttempts];

/** The secrets that must not appear in any output. */
function hidden({ victim }: AttackSetup): readonly string[] {
  const { secret, leaseId } = victim;
  return [leaseId, leaseId.slice(leaseId.indexOf('-') + 1), secret.toString('hex'), secret.toString('base64')];
}

function describeAttacks(environment: () => Readonly<Record<string, string>>): void {
  let setup: AttackSetup;
  beforeAll(async () => {
    setup = await createAttackSetup(environment());
  });
  afterAll(() => setup.close());

  it.each(ATTEMPTS)('fails harmlessly: an attacker $name', async ({ ends, run }) => {
    const code = await setup.attack(run);
    expect(typeof ends === 'string' ? [ends] : ends).toContain(code);
    await setup.expectUnharmed();
  });

  it('finds no secret and no lease id in the output of the registry', () => {
    const output = setup.registry.output();
    expect(output).toContain('a registration was refused');
    for (const word of hidden(setup)) expect(output).not.toContain(word);
    // Lines are JSON, so that a request can't forge a line.
    for (const line of output.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg');
  });
}

describe('a registry in memory', () => {
  describeAttacks(() => ({}));
});

(noEtcd === undefined ? describe : describe.skip)(noEtcd ?? 'a registry over etcd', () => {
  let etcd: EtcdProcess;
  beforeAll(async () => {
    etcd = await startEtcd();
  });
  afterAll(() => etcd.close());
  describeAttacks(() => ({ RONDO_REGISTRY_STORE: `etcd://${etcd.address}` }));
});

describe('an attacker that fills a registry', () => {
  const LIMITS = {
    RONDO_REGISTRY_MAX_INSTANCES: '30',
    RONDO_REGISTRY_MAX_SERVICES: '30',
    RONDO_REGISTRY_MAX_WATCHES: '15',
    RONDO_REGISTRY_MAX_CORDONED: '5',
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
