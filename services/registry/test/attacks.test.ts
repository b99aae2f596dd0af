/** An attacker has read the code and every public answer: what it sends harms neither an instance nor those that call it. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RegisterResponse, RenewRequest, WatchRequest } from '@rondo/contracts/rondo/registry/v1/registry';
import { ownInstance } from './attacks/attempt.js';
import { leaseAttempts } from './attacks/lease-attempts.js';
import { poison } from './attacks/poison.js';
import { registerAttempts } from './attacks/register-attempts.js';
import { createScene, type Scene } from './attacks/scene.js';
import { wireAttempts } from './attacks/wire-attempts.js';
import { type EtcdProcess, noEtcd, startEtcd, tellSkipped } from './etcd/etcd-process.js';

tellSkipped('attacks on a registry over etcd', noEtcd);

/** All that is tried. */
const ATTEMPTS = [...registerAttempts, ...leaseAttempts, ...poison, ...wireAttempts];

/** Hears what nothing that is told, logged or stored may say. */
function hidden({ victim }: Scene): readonly string[] {
  const { secret, leaseId } = victim;
  return [leaseId, leaseId.slice(leaseId.indexOf('-') + 1), secret.toString('hex'), secret.toString('base64')];
}

function describeAttacks(environment: () => Readonly<Record<string, string>>): void {
  let scene: Scene;
  beforeAll(async () => {
    scene = await createScene(environment());
  });
  afterAll(() => scene.close());

  it.each(ATTEMPTS)('that $name', async ({ ends, run }) => {
    const code = await scene.attack(run);
    expect(typeof ends === 'string' ? [ends] : ends).toContain(code);
    await scene.expectUnharmed();
  });

  it('finds no secret and no lease in what the registry has said', () => {
    const output = scene.registry.output();
    expect(output).toContain('a registration was refused');
    for (const word of hidden(scene)) expect(output).not.toContain(word);
    // Lines are JSON, so that what came in them can't make lines of its own.
    for (const line of output.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg');
  });
}

describe('an attacker of a registry in memory', () => {
  describeAttacks(() => ({}));
});

(noEtcd === undefined ? describe : describe.skip)(noEtcd ?? 'an attacker of a registry over etcd', () => {
  let etcd: EtcdProcess;
  beforeAll(async () => {
    etcd = await startEtcd();
  });
  afterAll(() => etcd.close());
  describeAttacks(() => ({ RONDO_REGISTRY_STORE: `etcd://${etcd.address}` }));
});

describe('an attacker that fills the registry', () => {
  const LIMITS = {
    RONDO_REGISTRY_MAX_INSTANCES: '30',
    RONDO_REGISTRY_MAX_SERVICES: '30',
    RONDO_REGISTRY_MAX_WATCHES: '15',
    RONDO_REGISTRY_MAX_CORDONED: '5',
  };
  let scene: Scene;
  beforeAll(async () => {
    scene = await createScene(LIMITS);
    await scene.expectUnharmed();
  });
  afterAll(() => scene.close());

  it('with instances keeps none that is there from renewing, changing and registering again', async () => {
    const codes = await scene.attack(async (attacker) => {
      const outcomes: string[] = [];
      for (let index = 0; index < 40; index += 1) {
        const instance = ownInstance({ instanceId: `false-${index}`, services: [`evil.S${index}`] });
        outcomes.push((await attacker.register({ instance, ttl: { seconds: 600n } })).code);
      }
      return outcomes;
    });
    expect(codes.filter((code) => code === 'OK')).toHaveLength(29);
    expect(codes.at(-1)).toBe('RESOURCE_EXHAUSTED');
    await scene.expectUnharmed();
    const { instance, secret, leaseId } = scene.victim;
    const again = await scene.attack(async (caller) => {
      const request = { instance: { ...(await caller.victim()), ...instance }, secret, ttl: { seconds: 600n } };
      return RegisterResponse.decode((await caller.register(request)).messages[0] ?? Buffer.alloc(0));
    });
    expect(again.leaseId).toBe(leaseId);
    await scene.expectUnharmed();
  });

  it('with watches ends none that is open, and keeps no other call from being answered', async () => {
    await scene.attack(async (attacker) => {
      const request = WatchRequest.encode({ service: '', resumeFrom: undefined }).finish();
      for (let index = 0; index < 20; index += 1) await attacker.call('Watch', request, { abandon: true });
      const refused = await attacker.call('Watch', request);
      expect(refused.code).toBe('RESOURCE_EXHAUSTED');
      await scene.expectUnharmed();
    });
    await scene.expectUnharmed();
  });

  it('with refusals is told of in the log by few lines, which say how many more there were', async () => {
    const before = refusalsIn(scene.registry.output()).length;
    await scene.attack(async (attacker) => {
      const victim = await attacker.victim();
      for (let index = 0; index < 200; index += 1) await attacker.register({ instance: victim });
      const renewal = RenewRequest.encode({ leaseId: 'x', instanceId: victim.instanceId }).finish();
      await attacker.call('Renew', renewal);
    });
    await scene.expectUnharmed();
    expect(refusalsIn(scene.registry.output()).length - before).toBeLessThanOrEqual(2);
  });
});

function refusalsIn(output: string): readonly string[] {
  return output.split('\n').filter((line) => line.includes('a registration was refused'));
}
