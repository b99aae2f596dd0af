import { createHash } from 'node:crypto';
import { Instance, RegisterRequest } from '@rondo/contracts/rondo/registry/v1/registry';
import { type Attacker, type Attempt, ELSEWHERE, ownInstance } from './attacker.js';

type Request = Parameters<Attacker['register']>[0];

const LATEST = 2n ** 63n - 1n;
const STOLEN = { endpoints: [ELSEWHERE] };

/** Sends a registration in place of the victim's own. */
function instead(make: (victim: Instance) => Request): Attempt['run'] {
  return async (attacker) => (await attacker.register(make(await attacker.victim()))).code;
}

/** Like {@link instead}, but with control over the bytes on the wire. */
function byHand(make: (victim: Instance) => readonly Uint8Array[]): Attempt['run'] {
  return async (attacker) => (await attacker.call('Register', Buffer.concat(make(await attacker.victim())))).code;
}

const encode = (request: Request) => RegisterRequest.encode(RegisterRequest.fromPartial(request)).finish();
const secretOf = (text: string) => createHash('sha256').update(text).digest();

/** Registrations with the victim's id. */
export const registerAttempts: readonly Attempt[] = [
  {
    name: 'repeats the registration that is listed, with endpoints of its own',
    ends: 'PERMISSION_DENIED',
    run: instead((victim) => ({ instance: { ...victim, ...STOLEN } })),
  },
  {
    name: 'repeats it unchanged, to get the lease',
    ends: 'PERMISSION_DENIED',
    run: instead((victim) => ({ instance: victim, ttl: { seconds: 600n } })),
  },
  ...Object.entries({
    'of zeros': () => Buffer.alloc(32),
    'made from the incarnation': ({ incarnation }: Instance) => secretOf(String(incarnation)),
  }).map(([which, secret]) => ({
    name: `repeats it with a secret ${which}`,
    ends: 'PERMISSION_DENIED',
    run: instead((victim) => ({ instance: { ...victim, ...STOLEN }, secret: secret(victim) })),
  })),
  {
    name: 'repeats it with a greater sequence than the victim will ever send',
    ends: 'PERMISSION_DENIED',
    run: instead((victim) => ({ instance: { ...victim, ...STOLEN }, sequence: LATEST })),
  },
  {
    name: 'repeats it in two parts: the victim, then other endpoints',
    ends: 'PERMISSION_DENIED',
    run: byHand((victim) => [encode({ instance: victim }), encode({ instance: STOLEN })]),
  },
  {
    name: 'repeats it in two parts, the other id first',
    ends: 'PERMISSION_DENIED',
    run: byHand((victim) => [encode({ instance: ownInstance() }), encode({ instance: victim })]),
  },
  {
    name: 'sends many secrets in one message',
    ends: 'PERMISSION_DENIED',
    run: byHand((victim) => [
      encode({ instance: { ...victim, ...STOLEN } }),
      ...Array.from({ length: 200 }, (_, index) => encode({ secret: Buffer.alloc(32, index) })),
    ]),
  },
  {
    name: 'sends fields that only the registry sets',
    ends: 'PERMISSION_DENIED',
    run: instead((victim) => ({ instance: { ...victim, ...STOLEN, revision: LATEST, registerTime: new Date(0) } })),
  },
  {
    name: 'takes over with an incarnation of the far future',
    ends: 'INVALID_ARGUMENT',
    run: instead((victim) => ({ instance: { ...victim, ...STOLEN, incarnation: LATEST }, ttl: { seconds: 600n } })),
  },
  {
    name: 'takes over with an earlier incarnation',
    ends: 'ABORTED',
    run: instead((victim) => ({ instance: { ...victim, ...STOLEN, incarnation: victim.incarnation - 1n } })),
  },
  {
    name: 'takes over with an incarnation of more than 64 bits',
    ends: ['ABORTED', 'INVALID_ARGUMENT', 'PERMISSION_DENIED'],
    run: byHand((victim) => {
      const { incarnation: _, ...rest } = victim;
      const inner = Instance.encode(Instance.fromPartial({ ...rest, ...STOLEN })).finish();
      const tooLong = Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
      const whole = Buffer.concat([inner, tooLong]);
      return [Buffer.from([0x0a, 0x80 | (whole.length & 127), whole.length >> 7]), whole];
    }),
  },
  ...Object.entries({
    'a newline': '\n',
    'a null byte': '\0',
    'a letter that looks the same': '\u0430',
  }).map(([which, end]) => ({
    name: `takes an id that ends in ${which}`,
    ends: 'INVALID_ARGUMENT',
    run: instead((victim) => ({ instance: { ...victim, ...STOLEN, instanceId: `${victim.instanceId}${end}` } })),
  })),
  {
    name: 'takes the id in capital letters, which is another id',
    ends: 'OK',
    run: instead(({ instanceId }) => ({
      instance: ownInstance({ instanceId: instanceId.toUpperCase() }),
      ttl: { seconds: 3n },
    })),
  },
  ...['__proto__', 'constructor', '..', '-'].map((instanceId) => ({
    name: `registers an instance of its own as ${instanceId}`,
    ends: 'OK',
    run: instead(() => ({ instance: ownInstance({ instanceId }), ttl: { seconds: 3n } })),
  })),
];
