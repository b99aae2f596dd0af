import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { filePostgres } from '../test/postgres.js';
import { provision, readProvisionConfig } from './provision.js';
import { describeUrl, waitForDatabase } from './readiness.js';
import { freePort } from './testing/test-postgres.js';

const sales = { database: 'sales', role: 'sales', password: 'one:two\'"' };
const projects = { database: 'project-management', role: 'project-management', password: 'three' };

const postgres = filePostgres();

const provisionBoth = () => provision({ adminUrl: postgres.url, databases: [sales, projects] });

/** Runs one statement with a service's role. */
async function as({ role, password }: typeof sales, database: string, sql: string) {
  const url = Object.assign(new URL('postgres://h'), { username: role, password, hostname: '127.0.0.1' });
  return postgres
    .pool({ url: Object.assign(url, { port: String(postgres.port), pathname: database }).href })
    .query(sql);
}

describe('provision', () => {
  it('creates databases with their owners, repeatedly and concurrently', async () => {
    await Promise.all([provisionBoth(), provisionBoth(), provisionBoth()]);
    await as(sales, sales.database, 'CREATE TABLE kept (id int)');
    await provisionBoth();
    expect(await as(sales, sales.database, 'SELECT id FROM kept')).toEqual([]);
    expect(await as(projects, projects.database, 'SELECT current_user::text AS who')).toEqual([{ who: projects.role }]);
  });

  it("keeps each role out of the others' databases", async () => {
    await provisionBoth();
    await expect(as(sales, projects.database, 'SELECT 1')).rejects.toMatchObject({ code: '42501' });
    await expect(as(projects, sales.database, 'SELECT 1')).rejects.toMatchObject({ code: '42501' });
  });

  it('changes a password', async () => {
    await provisionBoth();
    const changed = { ...sales, password: 'another' };
    await provision({ adminUrl: postgres.url, databases: [changed] });
    await expect(as(sales, sales.database, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    await expect(as(changed, sales.database, 'SELECT 1')).resolves.toHaveLength(1);
  });

  it('takes over an existing database of another role', async () => {
    const admin = postgres.pool({ url: postgres.url });
    await admin.query('CREATE DATABASE legacy');
    await provisionBoth();
    const legacy = { database: 'legacy', role: 'legacy', password: 'four' };
    await provision({ adminUrl: postgres.url, databases: [legacy] });
    await expect(as(legacy, 'legacy', 'CREATE TABLE t ()')).resolves.toEqual([]);
    await expect(as(sales, 'legacy', 'SELECT 1')).rejects.toMatchObject({ code: '42501' });
  });

  it('refuses a superuser as owner', async () => {
    const databases = [{ database: 'x', role: 'postgres', password: 'x' }];
    await expect(provision({ adminUrl: postgres.url, databases })).rejects.toThrow('is a superuser');
  });

  it('quotes unusual names', async () => {
    const odd = { database: 'a"; DROP ROLE sales; --', role: "b'c", password: 'p' };
    await provision({ adminUrl: postgres.url, databases: [odd] });
    const admin = postgres.pool({ url: postgres.url });
    const found = await admin.query("SELECT 1 FROM pg_roles WHERE rolname IN ('sales', $1)", [odd.role]);
    expect(found).toHaveLength(2);
  });
});

describe('the provisioning step', () => {
  it('lists every fault at once, without showing a password', () => {
    const RONDO_DATABASES = 'sales:sales:secret,oops-secret,sales:other:x,a:sales:y';
    expect(readProvisionConfig({ RONDO_DATABASE_ADMIN_URL: 'http://x', RONDO_DATABASES })).toEqual({
      faults: [
        expect.stringContaining('RONDO_DATABASE_ADMIN_URL is not a PostgreSQL address'),
        'RONDO_DATABASES: entry 2 is not database:role:password',
        'RONDO_DATABASES: database sales appears twice',
        'RONDO_DATABASES: role sales appears twice',
      ],
    });
    expect(readProvisionConfig({})).toMatchObject({ faults: { length: 2 } });
  });

  it.each([
    ['one database per line', 'sales:sales:a\nteam:team:b\n', [{ password: 'a' }, { role: 'team', password: 'b' }]],
    ['an empty list, as of a system without databases', '', []],
    ['the colons of a password', 'a:b:c:d', [{ database: 'a', role: 'b', password: 'c:d' }]],
  ])('accepts %s', (_what, RONDO_DATABASES, databases) => {
    const config = readProvisionConfig({ RONDO_DATABASE_ADMIN_URL: 'postgres://h', RONDO_DATABASES });
    expect(config).toMatchObject({ databases });
  });

  const main = fileURLToPath(new URL('../dist/provision-main.js', import.meta.url));
  const run = (env: Record<string, string>) => promisify(execFile)(process.execPath, [main], { env });

  it('exits 0 when done, and 1 with the faults', async () => {
    if (!existsSync(main)) throw new Error('dist is missing: run the build first');
    const databases = { RONDO_DATABASES: 'step:step:pw' };
    const done = await run({ RONDO_DATABASE_ADMIN_URL: postgres.url, ...databases });
    expect(done.stdout).toContain('ready: step');
    await expect(run(databases)).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('ADMIN_URL') });
  });
});

describe('waitForDatabase', () => {
  it('logs what it waits for, without the password, and gives up in time', async () => {
    const url = `postgres://role:secret@127.0.0.1:${await freePort()}/sales`;
    const pool = postgres.pool({ url });
    const lines: string[] = [];
    const name = describeUrl(url);
    const waiting = waitForDatabase(pool, { name, timeoutMs: 2_000, log: (line) => lines.push(line) });
    await expect(waiting).rejects.toThrow(
      /^database "sales" at 127\.0\.0\.1:\d+ did not answer within 2000 ms: .*ECONN/,
    );
    expect(lines[0]).toMatch(/^waiting for database "sales" at 127\.0\.0\.1:\d+: .*ECONNREFUSED/);
    expect(lines.join()).not.toContain('secret');
  });

  it('stops when its signal aborts', async () => {
    const pool = postgres.pool({ url: `postgres://a:b@127.0.0.1:${await freePort()}/c` });
    const signal = AbortSignal.timeout(150);
    const waiting = waitForDatabase(pool, { name: 'it', timeoutMs: Number.POSITIVE_INFINITY, signal });
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});
