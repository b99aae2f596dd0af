import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type EtcdProcess, noEtcd, startEtcd, tellSkipped } from '../etcd/etcd-process.js';
import { type AttackSetup, createAttackSetup } from './attack-setup.js';
import { leaseAttempts } from './lease-attempts.js';
import { malformedAttempts } from './malformed-attempts.js';
import { registerAttempts } from './register-attempts.js';
import { wireAttempts } from './wire-attempts.js';

/** All attacks. */
const ATTEMPTS = [...registerAttempts, ...leaseAttempts, ...malformedAttempts, ...wireAttempts];

/** The secrets that must not appear in any output. */
function hidden({ victim }: AttackSetup): readonly string[] {
  const { secret, leaseId } = victim;
  return [leaseId, leaseId.slice(leaseId.indexOf('-') + 1), secret.toString('hex'), secret.toString('base64')];
}

interface Options {
  readonly environment: () => Readonly<Record<string, string>>;
  /** Of so many attacks in a row, one is made. */
  readonly every?: number;
}

/** Each attack on a registry, and what its log says then. */
export function describeAttacks({ environment, every = 1 }: Options): void {
  let setup: AttackSetup;
  beforeAll(async () => {
    setup = await createAttackSetup(environment());
  });
  afterAll(() => setup.close());

  it.each(ATTEMPTS.filter((_, index) => index % every === 0))(
    'fails harmlessly: an attacker $name',
    async ({ ends, run }) => {
      const code = await setup.attack(run);
      expect(typeof ends === 'string' ? [ends] : ends).toContain(code);
      await setup.expectUnharmed();
    },
  );

  it('finds no secret and no lease id in the output of the registry', () => {
    const output = setup.registry.output();
    expect(output).toContain('a registration was refused');
    for (const word of hidden(setup)) expect(output).not.toContain(word);
    // Lines are JSON, so that a request can't forge a line.
    for (const line of output.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg');
  });
}

/** The same on a registry over etcd, where there is one. */
export function describeAttacksOverEtcd(every: number): void {
  tellSkipped('attacks on a registry over etcd', noEtcd);
  (noEtcd === undefined ? describe : describe.skip)(noEtcd ?? 'a registry over etcd', () => {
    let etcd: EtcdProcess;
    beforeAll(async () => {
      etcd = await startEtcd();
    });
    afterAll(() => etcd.close());
    describeAttacks({ environment: () => ({ RONDO_REGISTRY_STORE: `etcd://${etcd.address}` }), every });
  });
}
