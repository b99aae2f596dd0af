import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createAuthenticator, DEVELOPMENT, prepareDevelopmentIssuer } from '@rondo/authentication';
import { silentLogger } from '@rondo/rpc/call';
import { systemWallClock } from '@rondo/rpc/clock';
import { ManualClock } from '@rondo/rpc/testing';
import { rondo } from './recording-context.js';

let dataDirectory: string;
beforeEach(() => {
  dataDirectory = mkdtempSync(path.join(tmpdir(), 'rondo-cli-'));
});
afterEach(() => rmSync(dataDirectory, { recursive: true }));

const run = (...args: string[]) => rondo(args, { dataDirectory });
const fileOf = () => path.join(dataDirectory, 'auth', 'keys.json');

it('rondo keys makes a key, which is accepted until it is revoked', async () => {
  const { stdout } = await run('keys', 'create', '--as', 'ci', '--scopes', 'sales.read, sales.write', '--json');
  const { key, id } = JSON.parse(stdout);
  expect(statSync(fileOf()).mode & 0o777).toBe(0o600);
  expect(readFileSync(fileOf(), 'utf8')).not.toContain(key.slice(-43));
  const verify = () => {
    const surroundings = { clock: new ManualClock(), wallClock: systemWallClock, log: silentLogger };
    const authenticator = createAuthenticator({ keyFile: fileOf(), ...surroundings });
    return authenticator.authenticate({ authorization: [], apiKey: [key] }).finally(() => authenticator.close());
  };
  expect(await verify()).toMatchObject({ subject: 'ci', scopes: ['sales.read', 'sales.write'] });
  expect((await run('keys', 'list')).stdout).toMatch(
    new RegExp(`^${id} {2}ci {2}until \\d{4}-\\d\\d-\\d\\d +sales.read sales.write\n$`),
  );
  expect((await run('keys', 'list', '--json')).stdout).not.toContain('hash');
  expect(await run('keys', 'revoke', id)).toMatchObject({ exitCode: 0, stdout: `revoked: ${id}\n` });
  await expect(verify()).rejects.toMatchObject({ codeName: 'UNAUTHENTICATED' });
  expect((await run('keys', 'list')).stdout).toMatch(/^there are no keys in /);
});

it('rondo keys prints nothing but the key', async () => {
  const { stdout } = await run('keys', 'create', '--as', 'ci');
  expect(stdout).toMatch(/^rondo_[0-9a-f]{12}_[A-Za-z0-9_-]{43}\n$/);
});

it.each([
  [['keys'], 'say what to do'],
  [['keys', 'create'], '--as'],
  [['keys', 'create', '--as', 'a\nb'], '--as'],
  [['keys', 'create', '--as', 'ci', '--scopes', 'a"b'], '--scopes'],
  [['keys', 'create', '--as', 'ci', '--days', '0'], '--days 0'],
  [['keys', 'revoke'], 'ids follow revoke'],
  [['keys', 'revoke', '0123456789ab'], 'has no key 0123456789ab'],
  [['token'], '--as'],
  [['token', '--as', 'ada'], 'npm start -- --auth makes one'],
])('rondo %j says what is wrong', async (args, fault) => {
  const { exitCode, stderr } = await run(...args);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(fault)]);
});

it('rondo token prints a token of the development issuer', async () => {
  const { jwks } = await prepareDevelopmentIssuer(path.join(dataDirectory, 'auth'));
  expect(statSync(path.join(dataDirectory, 'auth', 'issuer.key')).mode & 0o777).toBe(0o600);
  const { stdout } = await run('token', '--as', 'ada', '--scopes', 'sales.read');
  const issuers = [{ name: DEVELOPMENT.issuer, jwks: new URL(jwks) }];
  const authenticator = createAuthenticator({
    tokens: { issuers, audience: DEVELOPMENT.audience },
    clock: new ManualClock(),
    wallClock: systemWallClock,
    log: silentLogger,
  });
  const headers = { authorization: [`Bearer ${stdout.trim()}`], apiKey: [] };
  expect(await authenticator.authenticate(headers)).toMatchObject({ subject: 'ada', scopes: ['sales.read'] });
});
