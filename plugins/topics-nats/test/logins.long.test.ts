/** A real NATS that asks for a login, and what is said if it is refused. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, nkeys } from '@nats-io/transport-node';
import { freePort } from '@rondo/harness';
import { type NatsServer, noNats, startNats } from '../../../packages/topics/test/nats-server.js';
import { faultOf, secured } from './secured.js';

let folder: string;
let server: NatsServer;
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rondo-nats-secured-'));
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const urlOf = (login: string, keys?: Readonly<Record<string, string>>) => secured(server.url, login, keys);

const REFUSED = 'RONDO_TOPICS: NATS refuses the login; give nats://USER:PASSWORD@HOST, creds-file or token-file';

(noNats === undefined ? describe : describe.skip)('NATS', () => {
  it('takes the login of a user, and no other', async () => {
    server = await startNats(await freePort(), 'authorization { user: ada, password: "p@ss word" }');
    expect(await faultOf(urlOf('ada:p%40ss%20word@'))).toBe('');
    for (const login of ['ada:secret-of-another@', '']) {
      const fault = await faultOf(urlOf(login));
      expect(fault).toContain(REFUSED);
      expect(fault).not.toContain('secret');
    }
  });

  it('takes a token from a file, and no other', async () => {
    server = await startNats(await freePort(), 'authorization { token: "of-the-publisher" }');
    writeFileSync(at('token'), 'of-the-publisher\n');
    writeFileSync(at('wrong'), 'of-another\n');
    expect(await faultOf(urlOf('', { 'token-file': at('token') }))).toBe('');
    expect(await faultOf(urlOf('', { 'token-file': at('wrong') }))).toContain(REFUSED);
  });

  it('that gives no stream without a bound gets it by max-bytes, which its error names', async () => {
    const limits = '{ max_bytes_required: true, max_file: 100MB, disk_max_stream_bytes: 10MB }';
    const account = `accounts { own { jetstream: ${limits}, users: [{ user: ada, password: word }] } }`;
    server = await startNats(await freePort(), account);
    expect(await faultOf(urlOf('ada:word@'))).toContain('give max-bytes');
    expect(await faultOf(urlOf('ada:word@', { 'max-bytes': '20000000' }))).toContain('give max-bytes');
    expect(await faultOf(urlOf('ada:word@', { 'max-bytes': '5000000' }))).toBe('');
  });

  it('keeps the bound that a stream has if the URL gives none', async () => {
    server = await startNats(await freePort(), '');
    expect(await faultOf(urlOf('', { 'max-bytes': '5000000' }))).toBe('');
    expect(await faultOf(urlOf(''))).toBe('');
    const connection = await connect({ servers: server.url });
    const [stream] = await (await jetstreamManager(connection)).streams.list().next();
    await connection.close();
    expect(stream?.config.max_bytes).toBe(5_000_000);
  });

  it('takes the credentials of a user of an account, and not those of another operator', async () => {
    const [own, other] = [createOperator(), createOperator()];
    server = await startNats(await freePort(), own.configuration);
    writeFileSync(at('own.creds'), own.creds);
    writeFileSync(at('other.creds'), other.creds);
    expect(await faultOf(urlOf('', { 'creds-file': at('own.creds') }))).toBe('');
    expect(await faultOf(urlOf('', { 'creds-file': at('other.creds') }))).toContain(REFUSED);
  });
});

/** An operator with an account, as `nsc` makes them: the configuration of a server, and the credentials of a user. */
function createOperator() {
  const [operator, account, system, user] = [
    ...[nkeys.createOperator(), nkeys.createAccount(), nkeys.createAccount(), nkeys.createUser()],
  ];
  if (operator === undefined || account === undefined || system === undefined || user === undefined)
    throw new Error('there are no keys');
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const sign = (issuer: typeof operator, sub: string, nats: object) => {
    const claims = {
      jti: sub,
      iat: 1_700_000_000,
      iss: issuer.getPublicKey(),
      name: sub,
      sub,
      nats: { ...nats, version: 2 },
    };
    const text = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part(claims)}`;
    return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString('base64url')}`;
  };
  const [all, stored] = [
    { subs: -1, data: -1, payload: -1 },
    { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 },
  ];
  const limits = { ...all, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const [id, systemId] = [account.getPublicKey(), system.getPublicKey()];
  const accounts = {
    [id]: sign(operator, id, { type: 'account', limits: { ...limits, ...stored } }),
    [systemId]: sign(operator, systemId, { type: 'account', limits }),
  };
  const jwt = sign(account, user.getPublicKey(), { type: 'user', pub: {}, sub: {}, ...all });
  const block = (name: string, text: string) => `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n\n`;
  return {
    configuration: [
      `operator: ${sign(operator, operator.getPublicKey(), { type: 'operator' })}`,
      ...['resolver: MEMORY', `system_account: ${systemId}`, `resolver_preload ${JSON.stringify(accounts)}`],
    ].join('\n'),
    creds: block('NATS USER JWT', jwt) + block('USER NKEY SEED', Buffer.from(user.getSeed()).toString()),
  };
}
