import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { silentLogger } from '@rondo/rpc/call';
import { ManualClock } from '@rondo/rpc/testing';
import type { Authenticator } from '@rondo/service';
import { createAuthenticator } from '../src/authenticator.js';
import { faultOf } from '../src/tokens/key-source.js';
import { claimsOf, NOW, newKey, type SigningKey, sign, TestIssuer } from './support/issuer.js';

const MINUTE_MS = 60_000;

let issuer: TestIssuer;
let now: Date;
let clock: ManualClock;
let key: SigningKey;
let authenticator: Authenticator;

beforeEach(async () => {
  issuer = new TestIssuer();
  await issuer.listen();
  clock = new ManualClock();
  now = NOW;
  key = await newKey('one');
  issuer.keys = [key.jwk];
  authenticator = authenticatorOf({ name: issuer.url, jwks: issuer.jwks });
});
afterEach(() => issuer.close());

function authenticatorOf(from: { readonly name: string; readonly jwks?: URL }, log = silentLogger): Authenticator {
  return createAuthenticator({
    tokens: { issuers: [from], audience: 'shop' },
    clock,
    wallClock: { now: () => now },
    log,
  });
}

/** The code that a token signed by a key gets; OK if it is accepted. */
async function codeOf(by: SigningKey, subject = 'ada'): Promise<string> {
  return codeOfToken(await sign(claimsOf(issuer.url, { sub: subject }), by));
}

async function codeOfToken(token: string): Promise<string> {
  return authenticator.authenticate({ authorization: [`Bearer ${token}`], apiKey: [] }).then(
    () => 'OK',
    (error) => error.codeName,
  );
}

it('reads the keys once for a thousand tokens of unknown keys', async () => {
  expect(await codeOf(key)).toBe('OK');
  const stranger = await newKey('two');
  const codes = await Promise.all(
    Array.from({ length: 1_000 }, (_, index) => codeOf({ ...stranger, kid: `invented-${index}` })),
  );
  expect(new Set(codes)).toEqual(new Set(['UNAUTHENTICATED']));
  expect(issuer.asked).toBe(2);
  await clock.advance(9_999);
  expect(await codeOf(stranger)).toBe('UNAUTHENTICATED');
  expect(issuer.asked).toBe(2);
  await clock.advance(1);
  expect(await codeOf(stranger)).toBe('UNAUTHENTICATED');
  expect(issuer.asked).toBe(3);
});

it('follows an issuer that rotates its keys under load, and refuses no token', async () => {
  expect(await codeOf(key)).toBe('OK');
  let current = key;
  const codes: string[] = [];
  for (let round = 0; round < 10; round += 1) {
    const next = await newKey(`key-${round}`);
    issuer.keys = [next.jwk, current.jwk];
    const load = Array.from({ length: 40 }, (_, index) => codeOf(index % 2 === 0 ? next : current, `user-${index}`));
    codes.push(...(await Promise.all(load)));
    current = next;
  }
  expect(codes).toEqual(Array(400).fill('OK'));
  // One for the first key, and one for each that came.
  expect(issuer.asked).toBe(11);
});

it('follows an issuer whose new key has the id of the one before, and asks it once in 10 s for false signatures', async () => {
  expect(await codeOf(key)).toBe('OK');
  const next = await newKey(key.kid);
  issuer.keys = [next.jwk];
  expect(await codeOf(next)).toBe('OK');
  await clock.advance(10_000);
  const forged = Array.from({ length: 1_000 }, (_, index) => codeOf(key, `user-${index}`));
  expect(new Set(await Promise.all(forged))).toEqual(new Set(['UNAUTHENTICATED']));
  expect(issuer.asked).toBe(3);
});

it('goes on with known keys while the issuer is away, and says that it cannot judge others', async () => {
  expect(await codeOf(key)).toBe('OK');
  issuer.away = true;
  const later = await newKey('later');
  for (let minute = 0; minute < 12; minute += 1) {
    await clock.advance(MINUTE_MS);
    expect(await codeOf(key, `user-${minute}`)).toBe('OK');
    expect(await codeOf(later)).toBe('UNAVAILABLE');
  }
  issuer.keys = [later.jwk];
  issuer.away = false;
  await clock.advance(2_000);
  expect(await codeOf(later)).toBe('OK');
});

it('is UNAVAILABLE while it never had a key, and recovers', async () => {
  issuer.away = true;
  expect(await codeOf(key)).toBe('UNAVAILABLE');
  issuer.away = false;
  expect(await codeOf(key)).toBe('UNAVAILABLE');
  await clock.advance(2_000);
  expect(await codeOf(key)).toBe('OK');
});

it('stops to trust keys after a day without the issuer, also for tokens that it has accepted', async () => {
  const token = await sign(claimsOf(issuer.url), key);
  expect(await codeOfToken(token)).toBe('OK');
  issuer.away = true;
  await clock.advance(24 * 60 * MINUTE_MS);
  expect(await codeOf(key, 'anyone')).toBe('UNAVAILABLE');
  expect(await codeOfToken(token)).toBe('UNAVAILABLE');
});

it('forgets a key that the issuer withdraws, also for tokens that it has accepted', async () => {
  const token = await sign(claimsOf(issuer.url), key);
  expect(await codeOfToken(token)).toBe('OK');
  const next = await newKey('next');
  issuer.keys = [next.jwk];
  expect(await codeOfToken(token)).toBe('OK');
  await clock.advance(10 * MINUTE_MS);
  // This call starts the read, and doesn't wait for it. A new key waits for the read that is on its way.
  expect(await codeOfToken(token)).toBe('OK');
  expect(await codeOf(next)).toBe('OK');
  expect(await codeOfToken(token)).toBe('UNAUTHENTICATED');
});

it('accepts a token no longer than it is valid, though it has been accepted before', async () => {
  const token = await sign(claimsOf(issuer.url), key);
  expect(await codeOfToken(token)).toBe('OK');
  now = new Date(NOW.getTime() + (3_600 + 60) * 1_000);
  expect(await codeOfToken(token)).toBe('UNAUTHENTICATED');
});

it.each([
  ['is no JSON', (issue: TestIssuer) => (issue.answer = (response) => response.end('<html>'))],
  ['has no keys', (issue: TestIssuer) => (issue.answer = (response) => response.end('{}'))],
  [
    'is huge',
    (issue: TestIssuer) => (issue.answer = (response) => response.end(`{"keys":[],"x":"${'x'.repeat(300_000)}"}`)),
  ],
  [
    'is a redirect',
    (issue: TestIssuer) => (issue.answer = (response) => response.writeHead(302, { location: '/keys' }).end()),
  ],
])('an answer that %s leaves the keys as they are', async (_name, spoil) => {
  expect(await codeOf(key)).toBe('OK');
  spoil(issuer);
  const stranger = await newKey('two');
  expect(await codeOf(stranger)).toBe('UNAVAILABLE');
  expect(await codeOf(key, 'another')).toBe('OK');
});

it('shows no login and no key of the URL of the keys', async () => {
  const jwks = Object.assign(new URL('?key=hunter3', issuer.jwks), { username: 'ada', password: 'hunter2' });
  const lines: unknown[] = [];
  const log = { ...silentLogger, warn: (fields: object) => lines.push(fields) };
  authenticator = authenticatorOf({ name: issuer.url, jwks }, log);
  expect(await codeOf(key)).toBe('OK');
  issuer.answer = (response) => response.writeHead(500).end();
  expect(await codeOf(await newKey('two'))).toBe('UNAVAILABLE');
  const text = `http://(hidden)@${issuer.jwks.host}/keys?(hidden) answered with 500`;
  expect(lines).toEqual([expect.objectContaining({ err: new Error(text) })]);
});

it('waits 5 s for an issuer that does not answer', async () => {
  let arrived = () => {};
  const asked = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  issuer.answer = () => arrived();
  const outcome = codeOf(key);
  await asked;
  await clock.advance(5_000);
  expect(await outcome).toBe('UNAVAILABLE');
});

it('finds the keys by the discovery of OpenID Connect', async () => {
  authenticator = authenticatorOf({ name: issuer.url });
  expect(await codeOf(key)).toBe('OK');
});

it('does not take the discovery document of another issuer', async () => {
  issuer.configuredName = 'https://login.example.com';
  authenticator = authenticatorOf({ name: issuer.url });
  expect(await codeOf(key)).toBe('UNAVAILABLE');
});

it('reads the keys of a file, and a new one in it', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-jwks-'));
  const file = path.join(folder, 'jwks.json');
  writeFileSync(file, JSON.stringify({ keys: [key.jwk] }));
  authenticator = authenticatorOf({ name: issuer.url, jwks: pathToFileURL(file) });
  expect(await codeOf(key)).toBe('OK');
  const next = await newKey('two');
  writeFileSync(file, JSON.stringify({ keys: [next.jwk] }));
  expect(await codeOf(next)).toBe('OK');
  expect(await codeOf(key)).toBe('UNAUTHENTICATED');
  rmSync(folder, { recursive: true });
});

it.each([
  ['https://login.example.com/', undefined, undefined],
  ['rondo-development', 'file:///etc/jwks.json', undefined],
  ['any', 'http://127.0.0.1:8080/keys', undefined],
  ['any', undefined, /is no URL/],
  ['http://login.example.com/', undefined, /must come by https/],
  ['https://login.example.com/', 'http://login.example.com/keys', /must come by https/],
  ['any', 'http://127.0.0.1.example.com/keys', /must come by https/],
  ['any', 'data:application/json,{"keys":[]}', /must come by https/],
  ['file:///etc/issuer', undefined, /is a file/],
])('the keys of %s at %s: %s', (name, url, fault) => {
  const found = faultOf({ name, jwks: url === undefined ? undefined : new URL(url) });
  if (fault === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(fault);
});
