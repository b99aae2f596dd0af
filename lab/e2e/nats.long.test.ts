/** A real NATS: the guide's game over it, TLS, and what is said if a certificate is refused. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createAuthority, issue } from '@rondo/certificates';
import { freePort } from '@rondo/harness';
import { readGuide } from '../../e2e/src/docs.js';
import { type NatsServer, noNats, startNats } from '../../packages/topics/test/nats-server.js';
import { faultOf, secured } from '../../plugins/topics-nats/test/secured.js';
import { runFile } from './src/run-guide.js';

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

(noNats === undefined ? describe : describe.skip)('NATS', () => {
  it('carries the events of the script in the guide', async () => {
    server = await startNats(await freePort());
    process.env['RONDO_TOPICS'] = server.url;
    const { stdout, stderr } = await runFile(readGuide('events.md'), 'events.mjs');
    delete process.env['RONDO_TOPICS'];
    expect({ stdout, stderr }).toEqual({ stdout: 'king 1, king 2; touched at 3 replicas\n', stderr: '' });
  });

  it('is used over TLS if its certificate is trusted, and it has one of its name', async () => {
    const life = { validFrom: new Date(Date.now() - 60_000), validTo: new Date(Date.now() + 3_600_000) };
    const [authority, other] = await Promise.all(
      ['a.test', 'b.test'].map((trustDomain) => createAuthority({ trustDomain, ...life })),
    );
    if (authority === undefined || other === undefined) throw new Error('there is no authority');
    const of = async (...hosts: string[]) => issue(authority, { name: 'nats', usage: 'process', hosts, ...life });
    const [own, elsewhere] = [await of('localhost'), await of('nats.test')];
    const files = {
      ca: authority.cert,
      other: other.cert,
      c: own.cert,
      k: own.key,
      ec: elsewhere.cert,
      ek: elsewhere.key,
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(at(name), text);
    const configuration = (cert: string, key: string, more: object = {}) =>
      `tls ${JSON.stringify({ cert_file: at(cert), key_file: at(key), ...more })}\n`;
    const trust = { tls: 'on', 'ca-file': at('ca') };
    const [untrusted, away] = [
      'RONDO_TOPICS: the certificate of NATS is refused',
      'look at its log, and if it wants certificates',
    ];

    server = await startNats(
      await freePort(),
      `${configuration('c', 'k')}authorization { user: ada, password: secret }`,
    );
    expect(await faultOf(urlOf('ada:secret@', trust))).toBe('');
    expect(await faultOf(urlOf('ada:other@', trust))).toContain('NATS refuses the login');
    expect(await faultOf(urlOf('ada:secret@', { tls: 'on', 'ca-file': at('other') }))).toContain(untrusted);
    expect(await faultOf(urlOf('ada:secret@'))).toContain('ca-file must name that of its authority');
    await server.kill();
    await server.restart(configuration('ec', 'ek'));
    expect(await faultOf(urlOf('', trust))).toContain(untrusted);
    await server.kill();
    await server.restart(configuration('c', 'k', { ca_file: at('ca'), verify: true }));
    expect(await faultOf(urlOf('', { ...trust, 'cert-file': at('c'), 'key-file': at('k') }))).toBe('');
    expect(await faultOf(urlOf('', trust))).toContain(away);
    await server.kill();
    await server.restart('');
    expect(await faultOf(urlOf('', trust))).toContain('whether it has TLS just as tls says');
  });
});
