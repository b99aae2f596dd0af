import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import { SignJWT, UnsecuredJWT } from 'jose';
import type { RpcServer } from '../src/exports/server.js';
import { Status } from '../src/exports/status.js';
import { failureOf } from '../src/testing/failure-of.js';
import type { MutualTls } from '../src/tls/mutual-tls.js';
import { newAuthority } from './support/identities.js';
import { type ClientSettings, SecuredSystem } from './support/secured.js';

const FRONT = 'spiffe://rondo.test/front';
const SALES = 'spiffe://rondo.test/sales';

let system: SecuredSystem;
let server: RpcServer;
let front: MutualTls;
let back: MutualTls;
let person: MutualTls;
beforeAll(async () => {
  system = new SecuredSystem(await newAuthority());
  [front, back, person] = await Promise.all([
    system.processOf('front'),
    system.processOf('back'),
    system.processOf('person/eve', { usage: 'client' }),
  ]);
  server = await system.serve(await system.processOf('sales'));
});
afterAll(() => system.close());

const keyOf = ({ identity }: MutualTls): KeyObject => createPrivateKey(identity.current.key);
const idOf = ({ identity }: MutualTls): string => new X509Certificate(identity.current.cert).fingerprint256;
const now = (): number => Math.floor(Date.now() / 1_000);

interface Forgery {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly key?: KeyObject | Uint8Array;
}

const claimsOf = (claims: Forgery['claims'] = {}) => ({
  iss: FRONT,
  aud: SALES,
  sub: 'ada',
  origin: 'https://issuer.test',
  scope: 'secured.read secured.write',
  act: { sub: FRONT },
  iat: now(),
  exp: now() + 60,
  jti: 'a',
  ...claims,
});

/** An assertion that the server takes from `front`, if nothing is given. */
function forge({ header = {}, claims, key = keyOf(front) }: Forgery = {}): Promise<string> {
  const known = { alg: 'ES256', typ: 'rondo-principal+jwt', kid: idOf(front), ...header };
  return new SignJWT(claimsOf(claims)).setProtectedHeader(known).sign(key);
}

/** The clients of each process, without frames and with them, and what they send. */
const clients = { false: new Map<MutualTls, ForgingClient>(), true: new Map<MutualTls, ForgingClient>() };
type ForgingClient = Pick<ReturnType<SecuredSystem['clientOf']>, 'read'>;
let sent: string;

async function callAs(process: MutualTls, assertion: string, frames: boolean) {
  sent = assertion;
  const known = clients[`${frames}`].get(process);
  const change: ClientSettings['change'] = (wire) => ({ ...wire, assertion: sent });
  const client = known ?? system.clientOf(server, process, { frames, change });
  clients[`${frames}`].set(process, client);
  return client.read({});
}

const deep = (levels: number): object => (levels === 0 ? { sub: FRONT } : { sub: FRONT, act: deep(levels - 1) });

const attacks: readonly [name: string, by: () => MutualTls, forged: () => Promise<string> | string][] = [
  ['alg none', () => front, () => new UnsecuredJWT(claimsOf()).encode()],
  ['a public key as the secret of HMAC', () => front, () => forge({ header: { alg: 'HS256' }, key: publicPem(front) })],
  ["another process's key", () => front, () => forge({ key: keyOf(back) })],
  ['a key that it brings itself', () => front, () => forge({ key: keyOf(back), header: { jwk: jwkOf(back) } })],
  ['the audience of another process', () => front, () => forge({ claims: { aud: 'spiffe://rondo.test/projects' } })],
  ['no audience', () => front, () => forge({ claims: { aud: undefined } })],
  ['an end that has passed', () => front, () => forge({ claims: { iat: now() - 150, exp: now() - 90 } })],
  ['a time in the future', () => front, () => forge({ claims: { iat: now() + 600, exp: now() + 660 } })],
  ['a life that is too long', () => front, () => forge({ claims: { iat: now() - 600, exp: now() + 86_400 } })],
  ['no end', () => front, () => forge({ claims: { exp: undefined } })],
  ['no id', () => front, () => forge({ claims: { jti: undefined } })],
  ['no subject', () => front, () => forge({ claims: { sub: '' } })],
  ['a subject that is too long', () => front, () => forge({ claims: { sub: 'a'.repeat(256) } })],
  ['half of a pair in the subject', () => front, () => forge({ claims: { sub: '\ud800x' } })],
  ['an escape in the subject', () => front, () => forge({ claims: { sub: 'ada\u001b[2K' } })],
  ['a direction mark in the issuer', () => front, () => forge({ claims: { origin: 'a\u202eb' } })],
  ['a line break in an actor', () => front, () => forge({ claims: { act: { sub: FRONT, act: { sub: 'a\nb' } } } })],
  ['a zero in a scope', () => front, () => forge({ claims: { scope: 'secured.read\0' } })],
  ['scopes that are no text', () => front, () => forge({ claims: { scope: ['secured.read'] } })],
  ['an expiry that is no time', () => front, () => forge({ claims: { origin_exp: '1767225600' } })],
  ['an expiry beyond all times', () => front, () => forge({ claims: { origin_exp: 1e300 } })],
  ['the name of another issuer', () => front, () => forge({ claims: { iss: 'spiffe://rondo.test/gateway' } })],
  ['the name of another actor', () => front, () => forge({ claims: { act: { sub: SALES } } })],
  ['no actor', () => front, () => forge({ claims: { act: undefined } })],
  ['a chain of 17 actors', () => front, () => forge({ claims: { act: deep(16) } })],
  ['another type of token', () => front, () => forge({ header: { typ: 'at+jwt' } })],
  ['scopes written into it', () => front, async () => withScope(await forge({ claims: { scope: '' } }))],
  ['9 KiB', () => front, () => forge({ claims: { pad: 'a'.repeat(9 * 1_024) } })],
  ['two of them', () => front, async () => `${await forge()}, ${await forge()}`],
  ['nothing', () => front, () => ''],
  ['no token', () => front, () => 'ada'],
  ["another process's connection", () => back, () => forge()],
  ["a person's connection", () => person, () => forgeOf(person, 'spiffe://rondo.test/person/eve')],
];

const forgeOf = (process: MutualTls, id: string) =>
  forge({ key: keyOf(process), header: { kid: idOf(process) }, claims: { iss: id, act: { sub: id } } });

const jwkOf = (process: MutualTls) => createPublicKey(keyOf(process)).export({ format: 'jwk' });
const publicPem = (process: MutualTls) =>
  Buffer.from(createPublicKey(keyOf(process)).export({ format: 'pem', type: 'spki' }).toString());

/** The same signature for other scopes. */
function withScope(assertion: string): string {
  const [header, , signature] = assertion.split('.');
  const payload = Buffer.from(JSON.stringify(claimsOf())).toString('base64url');
  return [header, payload, signature].join('.');
}

describe.each([
  ['grpc', false],
  ['frames', true],
])('over %s', (_, frames) => {
  it.each(attacks)('an assertion with %s is refused', async (_name, by, forged) => {
    const error = await failureOf(callAs(by(), await forged(), frames));
    expect(error.code).toBe(Status.UNAUTHENTICATED);
    expect(error.detail(ErrorInfo)?.reason).toBe('AUTH_ASSERTION_INVALID');
  });

  it('one without any of these faults is taken, also from a process that is not in the table', async () => {
    await expect(callAs(front, await forge(), frames)).resolves.toMatchObject({ subject: 'ada' });
    const own = await forgeOf(back, 'spiffe://rondo.test/back');
    await expect(callAs(back, own, frames)).resolves.toMatchObject({ subject: 'ada' });
    await expect(callAs(front, await forge({ claims: { act: deep(15) } }), frames)).resolves.toBeDefined();
  });

  it('one that was verified is refused from another process, and from another connection with another key', async () => {
    const assertion = await forge();
    await callAs(front, assertion, frames);
    const replayed = await failureOf(callAs(back, assertion, frames));
    expect(replayed.code).toBe(Status.UNAUTHENTICATED);
    const renewed = await failureOf(callAs(await system.processOf('front'), assertion, frames));
    expect(renewed.code).toBe(Status.UNAVAILABLE);
    expect(renewed.message).toContain('has signed the call with another key');
  });

  it('a header that the code of a caller writes is refused before it is sent', async () => {
    const client = system.clientOf(server, front, { frames });
    const error = await failureOf(client.read({}, { metadata: { 'rondo-principal': await forge() } }));
    expect(error.code).toBe(Status.INVALID_ARGUMENT);
    expect(error.message).toContain("the key belongs to Rondo's clients");
  });
});
