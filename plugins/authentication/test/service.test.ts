import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { callPrincipal, type Principal } from '@rondo/rpc/call';
import type { Client } from '@rondo/rpc/client';
import { closeAll, newFolder, start as startWith } from '../../../packages/service/test/started.js';
import {
  changeKeyFile,
  DEVELOPMENT,
  hashOfApiKey,
  issueDevelopmentToken,
  newApiKey,
  prepareDevelopmentIssuer,
} from '../src/exports/index.js';
import { tokens } from '../src/exports/tokens.js';

const HOUR_MS = 60 * 60_000;

const start: typeof startWith = (setting) => startWith({ ...setting, plugins: [tokens] });

let folder: string;
let keyFile: string;
let client: Client<typeof AdderServiceDefinition>;
const principals: (Principal | undefined)[] = [];

beforeAll(async () => {
  folder = await newFolder();
  const { jwks, apiKeys } = await prepareDevelopmentIssuer(folder);
  keyFile = apiKeys;
  const { issuer, audience } = DEVELOPMENT;
  ({ client } = await start({
    environment: {
      RONDO_AUTH_ISSUER: issuer,
      RONDO_AUTH_AUDIENCE: audience,
      RONDO_AUTH_JWKS: jwks,
      RONDO_API_KEYS: keyFile,
    },
    add({ a, b }, { values }) {
      principals.push(values.get(callPrincipal));
      return { result: a + b };
    },
  }));
});
afterAll(closeAll);

/** Calls the service directly, as grpcurl does. Returns the principal that the handler saw. */
async function call(metadata: Readonly<Record<string, string>> = {}): Promise<Principal | undefined> {
  await client.add({ a: 1n, b: 2n }, { metadata });
  return principals.pop();
}

const token = (now = new Date()) =>
  issueDevelopmentToken(folder, { subject: 'ada', scopes: ['sales.read'], now, lifeMs: HOUR_MS });

describe('a service', () => {
  it('gives the handler of a direct call the principal of its token, and none without one', async () => {
    const { issuer } = DEVELOPMENT;
    const principal = { subject: 'ada', issuer, scopes: ['sales.read'], actors: [] };
    expect(await call({ authorization: `Bearer ${await token()}` })).toMatchObject(principal);
    expect(await call()).toBeUndefined();
  });

  it('refuses bad credentials before the handler', async () => {
    const expired = await token(new Date(Date.now() - 2 * HOUR_MS));
    const codeName = 'UNAUTHENTICATED';
    await expect(call({ authorization: `Bearer ${expired}` })).rejects.toMatchObject({ codeName });
    await expect(call({ authorization: 'Basic x' })).rejects.toMatchObject({ codeName });
    await expect(call({ 'x-api-key': newApiKey().text })).rejects.toMatchObject({ codeName });
    expect(principals).toEqual([]);
  });

  it('takes an API key that is made while it runs, and refuses it once it is revoked', async () => {
    const { id, text } = newApiKey();
    const times = { created: '2026-01-01T00:00:00Z', expires: '9999-01-01T00:00:00Z' };
    const stored = { id, hash: hashOfApiKey(text), subject: 'ci', scopes: [], ...times };
    const outcome = () =>
      call({ 'x-api-key': text }).then(
        (principal) => principal?.subject,
        (error) => error.codeName,
      );
    const becomes = async (wanted: string) => {
      while ((await outcome()) !== wanted) await new Promise((resolve) => setTimeout(resolve, 50));
    };
    changeKeyFile(keyFile, () => [stored]);
    await becomes('ci');
    changeKeyFile(keyFile, () => []);
    await becomes('UNAUTHENTICATED');
  });
});

describe('a service does not start', () => {
  it.each([
    ['RONDO_AUTH_ISSUER needs RONDO_AUTH_AUDIENCE', { RONDO_AUTH_ISSUER: 'https://a.example.com' }],
    ['RONDO_AUTH_ISSUER is not set', { RONDO_AUTH_AUDIENCE: 'shop' }],
    [
      'has the keys of one issuer',
      { RONDO_AUTH_ISSUER: 'a,b', RONDO_AUTH_AUDIENCE: 'x', RONDO_AUTH_JWKS: 'https://a/k' },
    ],
    ['is no URL', { RONDO_AUTH_ISSUER: 'a', RONDO_AUTH_AUDIENCE: 'x' }],
    ['must come by https', { RONDO_AUTH_ISSUER: 'http://a.example.com', RONDO_AUTH_AUDIENCE: 'x' }],
    [
      'RONDO_AUTH_JWKS=ftp://a begins with another scheme',
      { RONDO_AUTH_ISSUER: 'a', RONDO_AUTH_AUDIENCE: 'x', RONDO_AUTH_JWKS: 'ftp://a' },
    ],
  ])('and says: %s', async (fault, variables) => {
    await expect(start({ environment: variables })).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringContaining(fault),
    });
  });

  it('with a file of API keys that is malformed', async () => {
    const file = path.join(folder, 'broken.json');
    writeFileSync(file, '{}');
    await expect(start({ environment: { RONDO_API_KEYS: file } })).rejects.toThrow(
      /its API keys can't be used: .*"keys" must be a list/,
    );
  });
});
