import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { certify, folderOf, mutualTlsIn, newAuthority } from '../support/identities.js';
import type { Attempt } from './attempt.js';
import { type Bystander, SERVED, startVictim, UNHARMED } from './bystander.js';
import { clients } from './clients.js';
import { connections } from './connections.js';
import { floods } from './floods.js';
import { malformed } from './malformed.js';
import { requests } from './requests.js';

type Attacks = readonly (readonly [kind: string, attempts: readonly Attempt[]])[];

export const ATTACKS: Attacks = [
  ['connections', connections],
  ['frames', malformed],
  ['requests', requests],
  ['floods', floods],
  ['clients of HTTP/2', clients],
];

/** The attacks on how a connection begins, which differs with TLS, and two of each other kind. */
export const SOME_ATTACKS: Attacks = ATTACKS.map(([kind, attempts]) => [
  kind,
  attempts === connections ? attempts : attempts.slice(0, 2),
]);

const VICTIMS = {
  'without TLS': () => startVictim(),
  'with TLS, and a client with a certificate,': () => startSecureVictim('on'),
  'that is permissive': () => startSecureVictim('permissive'),
};

/** The attacker is a process of the trust domain: a stolen certificate, or a neighbour. Without it, the victim is permissive. */
async function startSecureVictim(mode: 'on' | 'permissive'): Promise<Bystander> {
  const authority = await newAuthority();
  const [folder, clientFolder] = [await folderOf(authority, 'sales'), await folderOf(authority, 'gateway')];
  const stolen = await certify(authority, 'mallory');
  const tls = { ...stolen, ca: authority.cert, servername: 'localhost' };
  return startVictim({ folder: folder.path, client: mutualTlsIn(clientFolder), ...(mode === 'on' && { tls }) });
}

/** An attacker with its own connection neither ends the process nor fails a call of another client. */
export function describeAttacks(how: keyof typeof VICTIMS, attacks: Attacks): void {
  describe(`a server ${how} withstands an attack`, () => {
    let bystander: Bystander;
    beforeAll(async () => {
      bystander = await VICTIMS[how]();
    });
    afterAll(async () => {
      await bystander.close();
    });
    /** The victim is still the same process, and has logged nothing. */
    afterEach(() => {
      expect(bystander.state()).toEqual(UNHARMED);
    });

    describe.each(attacks)('by %s', (_kind, attempts) => {
      it.each(attempts)('%s', async (_name, run) => {
        expect(await bystander.during(() => run(bystander.victim))).toEqual(SERVED);
      });
    });
  });
}
