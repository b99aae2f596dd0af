import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { silentLogger } from '@rondo/rpc/call';
import { RpcError } from '@rondo/rpc/status';
import { ManualClock } from '@rondo/rpc/testing';
import type { Authenticator } from '@rondo/service';
import { type CryptoKey, exportSPKI, importJWK } from 'jose';
import { createAuthenticator } from '../src/authenticator.js';
import { claimsOf, forge, NOW, newKey, type SigningKey, secondsFromNow, sign, TestIssuer } from './support/issuer.js';

const issuer = new TestIssuer();
const elsewhere = new TestIssuer();
let key: SigningKey;
let rsa: SigningKey;
let stranger: SigningKey;
let strong: SigningKey;
let encryption: SigningKey;
let spare: SigningKey;
let authenticator: Authenticator;

beforeAll(async () => {
  await Promise.all([issuer.listen(), elsewhere.listen()]);
  [key, rsa, stranger, strong, encryption, spare] = await Promise.all([
    newKey('k1'),
    newKey('r1', 'RS256'),
    newKey('k1'),
    newKey('k512', 'RS512'),
    newKey('enc'),
    newKey('k2'),
  ]);
  const symmetric = {
    kty: 'oct',
    kid: 'shared',
    alg: 'HS256',
    k: Buffer.from('a shared secret').toString('base64url'),
  };
  issuer.keys = [key.jwk, spare.jwk, rsa.jwk, strong.jwk, { ...encryption.jwk, use: 'enc' }, symmetric];
  elsewhere.keys = [stranger.jwk];
  authenticator = createAuthenticator({
    tokens: { issuers: [{ name: issuer.url, jwks: issuer.jwks }], audience: 'shop' },
    clock: new ManualClock(),
    wallClock: { now: () => NOW },
    log: silentLogger,
  });
});
afterAll(() => Promise.all([issuer.close(), elsewhere.close()]));

const bearer = (token: string) => ({ authorization: [`Bearer ${token}`], apiKey: [] });
const good = () => sign(claimsOf(issuer.url), key);
const signed = (claims: object, header: object = {}, by = key) =>
  sign({ ...claimsOf(issuer.url), ...claims }, by, header);
const without = (claim: string) =>
  sign(Object.fromEntries(Object.entries(claimsOf(issuer.url)).filter(([name]) => name !== claim)), key);

async function hmacWithPublicKey(): Promise<string> {
  const pem = await exportSPKI((await importJWK(rsa.jwk, 'RS256')) as CryptoKey);
  return hmacSigned({ alg: 'HS256', kid: 'r1' }, pem);
}

function hmacSigned(header: object, secret: string): string {
  const input = forge(header, claimsOf(issuer.url)).slice(0, -1);
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

async function withFlippedBit(): Promise<string> {
  const [header = '', , signature = ''] = (await good()).split('.');
  const claims = Buffer.from(JSON.stringify(claimsOf(issuer.url, { sub: 'root' }))).toString('base64url');
  return `${header}.${claims}.${signature}`;
}

/** Each with what the refusal says. */
const ATTACKS: Readonly<Record<string, readonly [make: () => string | Promise<string>, reason: RegExp]>> = {
  'another audience': [() => signed({ aud: 'bank' }), /not for the audience shop/],
  'an audience that begins like ours': [() => signed({ aud: ['shop-staging', 'shops'] }), /not for the audience shop/],
  'no audience': [() => without('aud'), /not for the audience shop/],
  'another issuer, whose keys are good': [
    () => sign(claimsOf(elsewhere.url), stranger),
    /issuer .* not one that is trusted/,
  ],
  'our issuer, signed by another with the same kid': [() => signed({}, {}, stranger), /signature/],
  'no issuer': [() => without('iss'), /issuer .* not one that is trusted/],
  'expired, beyond the clock skew': [() => signed({ exp: secondsFromNow(-61) }), /expired/],
  'no expiry': [() => without('exp'), /claim exp/],
  'an expiry that is text': [() => signed({ exp: '9999999999' }), /claim exp/],
  'not valid yet, beyond the clock skew': [() => signed({ nbf: secondsFromNow(61) }), /not valid yet/],
  'no subject': [() => without('sub'), /claim sub/],
  'a subject with a line break': [() => signed({ sub: 'ada\nroot' }), /claim sub/],
  'a subject of 256 bytes': [() => signed({ sub: 'a'.repeat(256) }), /claim sub/],
  'alg none': [() => forge({ alg: 'none' }, claimsOf(issuer.url)), /algorithm|malformed/],
  'alg nOnE, with a signature': [
    () => forge({ alg: 'nOnE', kid: 'k1' }, claimsOf(issuer.url), 'x'),
    /algorithm|malformed/,
  ],
  'HS256 with the public key as secret': [hmacWithPublicKey, /algorithm/],
  'HS256 by a symmetric key of the set': [
    () => hmacSigned({ alg: 'HS256', kid: 'shared' }, 'a shared secret'),
    /algorithm/,
  ],
  'an algorithm that is not on the list': [() => signed({}, {}, strong), /algorithm/],
  'ES256 claimed for an RSA key': [() => signed({}, { kid: 'r1' }), /no such key/],
  'a key for encryption': [() => signed({}, {}, encryption), /no such key/],
  'a kid that is a path': [() => signed({}, { kid: '../../../../dev/null' }), /no such key/],
  'a kid that is SQL': [() => signed({}, { kid: "k1' OR '1'='1" }), /no such key/],
  'a kid that is a number': [() => forge({ alg: 'ES256', kid: 1 }, claimsOf(issuer.url), 'x'), /no such key|malformed/],
  'no kid, while several keys fit': [() => signed({}, { kid: undefined }), /by which key/],
  'jku of the attacker': [() => signed({}, { jku: elsewhere.jwks.href }, stranger), /signature/],
  'x5u of the attacker': [() => signed({}, { x5u: elsewhere.jwks.href }, stranger), /signature/],
  'a key inside the token': [() => signed({}, { jwk: stranger.jwk }, stranger), /signature/],
  'an extension that is critical': [
    () => forge({ alg: 'ES256', kid: 'k1', crit: ['x'], x: 1 }, claimsOf(issuer.url), 'x'),
    /malformed/,
  ],
  'b64 false': [
    () => forge({ alg: 'ES256', kid: 'k1', crit: ['b64'], b64: false }, claimsOf(issuer.url), 'x'),
    /malformed|signature/,
  ],
  'a logout token': [() => signed({}, { typ: 'logout+jwt' }), /not one for access/],
  'an assertion of a process': [() => signed({}, { typ: 'rondo-principal+jwt' }), /not one for access/],
  'claims that were changed': [withFlippedBit, /signature/],
  'no signature': [async () => (await good()).replace(/[^.]*$/, ''), /signature|malformed/],
  'no token but text': [() => 'hunter2', /not a signed JWT/],
  'encrypted, in five parts': [() => 'e30.e30.e30.e30.e30', /not a signed JWT/],
  'claims that are a list': [() => `e30.${Buffer.from('[]').toString('base64url')}.e30`, /not a signed JWT|issuer/],
  'over 8 KiB': [() => signed({ padding: 'x'.repeat(8 * 1024) }), /more than 8192 characters/],
  'over 256 scopes': [
    () => signed({ scope: Array.from({ length: 257 }, (_, index) => `s${index}`).join(' ') }),
    /more than 256 scopes/,
  ],
};

describe('a token is refused if it has', () => {
  it.each(Object.entries(ATTACKS))('%s', async (_name, [make, reason]) => {
    const outcome = await authenticator.authenticate(bearer(await make())).catch((error: unknown) => error);
    if (!(outcome instanceof RpcError)) throw new Error(`it was accepted: ${JSON.stringify(outcome)}`);
    expect(outcome.codeName).toBe('UNAUTHENTICATED');
    expect(outcome.message).toMatch(reason);
  });

  it('and none of them made the server ask anyone but its issuer', () => {
    expect(elsewhere.asked).toBe(0);
  });
});

describe('a token is accepted', () => {
  it.each([
    ['by ES256', good],
    ['by RS256', () => signed({}, {}, rsa)],
    ['for several audiences', () => signed({ aud: ['bank', 'shop'] })],
    ['within the clock skew after its expiry', () => signed({ exp: secondsFromNow(-59) }), 1],
    ['within the clock skew before it is valid', () => signed({ nbf: secondsFromNow(59) })],
    ['without a type', () => signed({}, { typ: undefined })],
  ])('%s', async (_name, make, secondsLeft = 3_660) => {
    expect(await authenticator.authenticate(bearer(await make()))).toEqual({
      subject: 'ada',
      issuer: issuer.url,
      scopes: ['sales.read', 'sales.write'],
      actors: [],
      expireTime: new Date(secondsFromNow(secondsLeft) * 1_000),
    });
  });
});

describe('the header', () => {
  it.each([
    ['two tokens', { authorization: ['Bearer a', 'Bearer b'], apiKey: [] }, 'INVALID_ARGUMENT'],
    ['a token and a key', { authorization: ['Bearer a'], apiKey: ['rondo_x'] }, 'INVALID_ARGUMENT'],
    ['no token', { authorization: ['Bearer '], apiKey: [] }, 'INVALID_ARGUMENT'],
    ['an empty key', { authorization: [], apiKey: [' '] }, 'INVALID_ARGUMENT'],
    ['a password', { authorization: ['Basic YWRhOnNlY3JldA=='], apiKey: [] }, 'UNAUTHENTICATED'],
    ['a token without its scheme', { authorization: ['eyJhbGciOiJub25lIn0.e30.'], apiKey: [] }, 'UNAUTHENTICATED'],
    ['a key, where none are accepted', { authorization: [], apiKey: ['rondo_x'] }, 'UNAUTHENTICATED'],
  ])('with %s is refused', async (_name, headers, codeName) => {
    await expect(authenticator.authenticate(headers)).rejects.toMatchObject({ codeName });
  });

  it('may be missing: then the call has no principal', async () => {
    expect(await authenticator.authenticate({ authorization: [], apiKey: [] })).toBeUndefined();
  });
});

it('the subjects of another issuer are not those of the first, whatever they are called', async () => {
  const other = new TestIssuer();
  await other.listen();
  other.keys = [stranger.jwk];
  const both = createAuthenticator({
    tokens: { issuers: [issuer, other].map(({ url, jwks }) => ({ name: url, jwks })), audience: 'shop' },
    clock: new ManualClock(),
    wallClock: { now: () => NOW },
    log: silentLogger,
  });
  const subjectOf = async (token: string) => (await both.authenticate(bearer(token)))?.subject;
  const theirs = await sign(claimsOf(other.url, { sub: 'ada' }), stranger);
  expect(await subjectOf(await signed({ sub: 'ada' }))).toBe('ada');
  expect(await subjectOf(theirs)).toBe(`${other.url}#ada`);
  await expect(subjectOf(await signed({ sub: `${other.url}#ada` }))).rejects.toThrow(/claim sub .* another issuer/);
  await expect(subjectOf(await sign(claimsOf(other.url, { sub: 'a'.repeat(255) }), stranger))).rejects.toThrow(/sub/);
  both.close();
  await other.close();
});
