import { afterAll, beforeAll, expect, it } from '@jest/globals';
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

/** Each attack on a registry, and what its log says then. */
export function describeAttacks(environment: () => Readonly<Record<string, string>>): void {
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
