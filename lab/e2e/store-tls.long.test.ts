/** TLS to a real PostgreSQL, with wrong authorities and without certificates. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Authority, createAuthority, issue } from '@rondo/certificates';
import { createPool } from '@rondo/database';
import { startEmbeddedPostgres } from '@rondo/database/embedded';
import { freePort, type ServiceProcess, startService } from '@rondo/harness';
import { turnTlsOn } from '@rondo/harness/postgres';

const life = { validFrom: new Date(Date.now() - 60_000), validTo: new Date(Date.now() + 3_600_000) };
let folder: string;
const file = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rondo-store-tls-'));
  chmodSync(folder, 0o755);
  const authority = await createAuthority({ trustDomain: 'rondo.test', ...life });
  const other = await createAuthority({ trustDomain: 'rondo.test', ...life });
  writeFileSync(file('ca.crt'), authority.cert);
  writeFileSync(file('other-ca.crt'), other.cert);
  await write('server', authority, ['127.0.0.1']);
  await write('client', authority);
  await write('stranger', other);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function write(name: string, authority: Authority, hosts: readonly string[] = []): Promise<void> {
  const { cert, key } = await issue(authority, { name, usage: 'process', hosts, ...life });
  writeFileSync(file(`${name}.crt`), cert);
  writeFileSync(file(`${name}.key`), key, { mode: 0o600 });
}

const running: ServiceProcess[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});

describe('PostgreSQL over TLS', () => {
  let server: Awaited<ReturnType<typeof startEmbeddedPostgres>>;
  let url: string;

  beforeAll(async () => {
    server = await startEmbeddedPostgres({ directory: file('postgres'), port: await freePort() });
    const admin = createPool({ url: server.url, maxConnections: 1 });
    await admin.query('CREATE DATABASE open').finally(() => admin.close());
    const files = { cert: file('server.crt'), key: file('server.key'), ca: file('ca.crt') };
    await turnTlsOn(server, files, [
      'hostssl open all all scram-sha-256',
      'hostssl all all all scram-sha-256 clientcert=verify-ca',
    ]);
    url = server.url;
  });
  afterAll(() => server.stop());

  const urlOf = (database: string, parameters: Readonly<Record<string, string>>, host = '127.0.0.1') =>
    Object.assign(new URL(url), { pathname: database, hostname: host, search: String(new URLSearchParams(parameters)) })
      .href;
  const trusting = (ca: string) => ({ sslmode: 'verify-full', sslrootcert: file(ca) });
  const as = (name: string) => ({ sslcert: file(`${name}.crt`), sslkey: file(`${name}.key`) });

  it('is verified, and encrypts with TLS 1.3', async () => {
    const pool = createPool({ url: urlOf('postgres', { ...trusting('ca.crt'), ...as('client') }), maxConnections: 1 });
    const sql = 'SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()';
    expect(await pool.one(sql).finally(() => pool.close())).toEqual({ ssl: true, version: 'TLSv1.3' });
  });

  it('serves a service, which migrates its database', async () => {
    const sales = await startService('sales', { env: { DATABASE_URL: urlOf('open', trusting('ca.crt')) } });
    running.push(sales);
    await sales.printed(/applied|migrat/i);
  });

  it.each([
    [
      'an authority that has not issued its certificate',
      () => urlOf('open', trusting('other-ca.crt')),
      /PostgreSQL is unavailable: its certificate can't be verified \(.*\): sslrootcert must name/,
    ],
    [
      'another host than its certificate names',
      () => urlOf('open', trusting('ca.crt'), 'localhost'),
      /its certificate is for another host \(.*localhost.*\): name a host/,
    ],
    [
      'no certificate where the server wants one',
      () => urlOf('postgres', trusting('ca.crt')),
      /connection requires a valid client certificate/,
    ],
    [
      'a certificate of another authority',
      () => urlOf('postgres', { ...trusting('ca.crt'), ...as('stranger') }),
      /the TLS handshake failed \(unknown ca\): sslcert and sslkey must name/,
    ],
    ['no TLS', () => urlOf('open', { sslmode: 'disable' }), /no pg_hba.conf entry .* no encryption/],
    ['a file that is missing', () => urlOf('open', trusting('none.crt')), /ENOENT.*none\.crt/],
  ])('is refused with a clear error with %s', async (_what, address, reason) => {
    const sales = await startService('sales', { env: { DATABASE_URL: address() } });
    running.push(sales);
    const [line] = await sales.printed(/(?:waiting for|can't start:) the database[^\n]*/);
    expect(line).toMatch(reason);
  });

  it('is refused by a server without TLS', async () => {
    const plain = await startEmbeddedPostgres({ directory: file('plain'), port: await freePort() });
    const pool = createPool({ url: `${plain.url}?sslmode=verify-full`, maxConnections: 1 });
    const refused = pool.check().finally(() => pool.close());
    await expect(refused).rejects.toThrow('PostgreSQL is unavailable: it has no TLS: set ssl = on there');
    await plain.stop();
  });
});
