import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { filePostgres } from '../test/postgres.js';
import { migrate } from './migrate.js';
import type { Database } from './sql.js';
import { withoutBounds } from './testing/test-postgres.js';

const first = { name: '0001_first.sql', sql: 'CREATE TABLE first (id int);\nCREATE INDEX first_id ON first (id);\n' };
const second = { name: '0002_second.sql', sql: 'INSERT INTO first VALUES (1);\n' };
const third = { name: '0003_third.sql', sql: 'INSERT INTO first VALUES (2);\n' };

const postgres = filePostgres();
let url: string;
let database: Database;

beforeEach(async () => {
  url = await postgres.createDatabase();
  database = postgres.pool({ url, applicationName: 'sales' });
});

const rows = () => database.query('SELECT id FROM first ORDER BY id');

describe('migrate', () => {
  it('reads a folder, applies in order, and does nothing the second time', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'rondo-migrations-'));
    for (const { name, sql } of [second, first]) writeFileSync(join(directory, name), sql);
    writeFileSync(join(directory, 'README.md'), 'not a migration');
    const lines: string[] = [];
    expect(await migrate(database, { directory, log: (line) => lines.push(line) })).toEqual([first.name, second.name]);
    expect(lines).toHaveLength(2);
    expect(await migrate(database, { directory })).toEqual([]);
    expect(await rows()).toEqual([{ id: 1 }]);
    rmSync(directory, { recursive: true });
  });

  it('numbers and records the migrations of a package separately', async () => {
    const part = { name: '0001_part.sql', sql: 'CREATE TABLE part (id int)' };
    await migrate(database, { migrations: [first, second] });
    expect(await migrate(database, { part: 'sync', migrations: [part] })).toEqual([part.name]);
    expect(await migrate(database, { part: 'sync', migrations: [part] })).toEqual([]);
    expect(await migrate(database, { migrations: [first, second, third] })).toEqual([third.name]);
    await expect(migrate(database, { part: 'Not; a name', migrations: [part] })).rejects.toThrow(/lower-case letters/);
  });

  it('applies each migration once when several replicas start at once', async () => {
    const pools = Array.from({ length: 4 }, () => postgres.pool({ url }));
    const applied = await Promise.all(pools.map((pool) => migrate(pool, { migrations: [first, second, third] })));
    expect(applied.flat().toSorted()).toEqual([first.name, second.name, third.name]);
    expect(await rows()).toEqual([{ id: 1 }, { id: 2 }]);
  });

  it('refuses a migration that was changed after it was applied', async () => {
    await migrate(database, { migrations: [first] });
    const changed = migrate(database, { migrations: [{ ...first, sql: 'CREATE TABLE other ()' }, second] });
    await expect(changed).rejects.toMatchObject({ name: 'MigrationError', migration: first.name });
    await expect(changed).rejects.toThrow(/0001_first\.sql: was changed .* "rondo dev", then "rondo db reset sales"/);
    expect(await rows()).toEqual([]);
  });

  it('applies a file of comments once it is written', async () => {
    const unwritten = { ...first, sql: '-- The tables.\n--\n-- CREATE TABLE other ();\n' };
    await expect(migrate(database, { migrations: [unwritten] })).resolves.toEqual([]);
    await expect(migrate(database, { migrations: [first] })).resolves.toEqual([first.name]);
  });

  it('ignores different line ends', async () => {
    await migrate(database, { migrations: [first] });
    const crlf = { ...first, sql: first.sql.replaceAll('\n', '\r\n') };
    await expect(migrate(database, { migrations: [crlf] })).resolves.toEqual([]);
  });

  it('fails if an applied migration is missing or renamed', async () => {
    await migrate(database, { migrations: [first, second] });
    const gap = migrate(database, { migrations: [first, third] });
    await expect(gap).rejects.toThrow(/0002_second\.sql: .*missing.*restore/);
    await expect(migrate(database, { migrations: [] })).rejects.toThrow(/0001_first\.sql: .*missing/);
    const renamed = { ...second, name: '0002_other.sql' };
    await expect(migrate(database, { migrations: [first, renamed] })).rejects.toThrow(/0002_second\.sql: .*missing/);
  });

  it('ignores migrations of a newer version with a warning, so that an older replica can restart', async () => {
    await migrate(database, { migrations: [first, second, third] });
    const log: string[] = [];
    const warnings: string[] = [];
    const older = {
      migrations: [first],
      log: (line: string) => log.push(line),
      warn: (line: string) => warnings.push(line),
    };
    expect(await migrate(database, older)).toEqual([]);
    expect(warnings).toEqual(['the schema is newer than this version: it has 0002_second.sql, 0003_third.sql, too']);
    expect(log).toEqual([]);
    const changed = migrate(database, { migrations: [{ ...first, sql: 'CREATE TABLE other ()' }] });
    await expect(changed).rejects.toThrow(/0001_first\.sql: was changed/);
  });

  it('accepts a corrected migration that names the text which was applied', async () => {
    await migrate(database, { migrations: [first] });
    const { sha256 } = await database.one<{ sha256: string }>('SELECT sha256 FROM rondo_migrations');
    const corrected = { ...first, sql: `-- rondo:formerly ${sha256}\nCREATE TABLE first (id bigint);\n` };
    expect(await migrate(database, { migrations: [corrected, second] })).toEqual([second.name]);
    const twice = { ...corrected, sql: corrected.sql.replace('bigint', 'smallint') };
    await expect(migrate(database, { migrations: [twice, second] })).resolves.toEqual([]);
    const other = { ...corrected, sql: corrected.sql.replace(sha256, sha256.replace(/./g, '0')) };
    await expect(migrate(database, { migrations: [other, second] })).rejects.toThrow(
      `with the checksum ${sha256}: restore`,
    );
  });

  it('refuses a migration that comes before an applied one', async () => {
    await migrate(database, { migrations: [first, third] });
    const late = migrate(database, { migrations: [first, second, third] });
    await expect(late).rejects.toThrow(/0002_second\.sql: comes before 0003_third\.sql.*higher number/);
    const nextToNewer = migrate(database, { migrations: [first, second] });
    await expect(nextToNewer).rejects.toThrow(/0002_second\.sql: comes before 0003_third\.sql/);
  });

  it('refuses bad names and a number used twice', async () => {
    const named = (name: string) => migrate(database, { migrations: [first, { ...second, name }] });
    await expect(named('2_second.sql')).rejects.toThrow(/2_second\.sql: is not named like/);
    await expect(named('0001_second.sql')).rejects.toThrow(/same number/);
  });

  it('rolls back a failing migration, keeps the earlier ones, and continues once it is fixed', async () => {
    const broken = { ...second, sql: 'INSERT INTO first VALUES (9); INSERT INTO nowhere VALUES (1);' };
    const failing = migrate(database, { migrations: [first, broken] });
    await expect(failing).rejects.toThrow(/0002_second\.sql: failed and was rolled back: .*nowhere/);
    expect(await rows()).toEqual([]);
    await expect(migrate(database, { migrations: [first, second] })).resolves.toEqual([second.name]);
  });

  it('has no statement timeout', async () => {
    const impatient = postgres.pool({ url: withoutBounds(url), statementTimeoutMs: 1_000 });
    const slow = { name: '0001_slow.sql', sql: 'SELECT pg_sleep(1.5)' };
    await expect(migrate(impatient, { migrations: [slow] })).resolves.toEqual([slow.name]);
  });

  it('refuses a database from before the baseline, and changes nothing', async () => {
    await migrate(database, { migrations: [first, second] });
    const baseline = {
      name: '0001_baseline.sql',
      sql: '-- rondo:baseline\nDROP TABLE first;\nCREATE TABLE first (id int)',
    };
    const refused = migrate(database, { migrations: [baseline, { ...third, name: '0008_third.sql' }] });
    await expect(refused).rejects.toThrow(
      /0001_baseline\.sql: .* has 0001_first\.sql .* Nothing was changed.*pg_dump.*dropdb/,
    );
    expect(await rows()).toEqual([{ id: 1 }]);
    await expect(migrate(database, { migrations: [first, second] })).resolves.toEqual([]);
  });

  it('applies a baseline to an empty database, and what comes after a gap in the numbers', async () => {
    const baseline = { name: '0001_baseline.sql', sql: `-- rondo:baseline\n${first.sql}` };
    const later = { ...second, name: '0008_later.sql' };
    expect(await migrate(database, { migrations: [baseline, later] })).toEqual([baseline.name, later.name]);
    expect(await migrate(database, { migrations: [baseline, later] })).toEqual([]);
    const other = { ...first, sql: '-- rondo:base\nSELECT 1' };
    await expect(migrate(database, { migrations: [other] })).rejects.toThrow('write no-transaction or baseline');
  });
});

describe('a migration without a transaction', () => {
  const table = { name: '0001_table.sql', sql: 'CREATE TABLE first (id int); INSERT INTO first VALUES (1), (1)' };
  const index = (columns: string) => ({
    name: '0002_indexes.sql',
    sql: `-- rondo:no-transaction
      -- Why; with a semicolon.
      CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS first_ids ON first (${columns});
      CREATE INDEX CONCURRENTLY IF NOT EXISTS first_other ON first (id);
    `,
  });
  const indexes = () =>
    database.query<{ name: string; valid: boolean }>(
      `SELECT indexrelid::regclass::text AS name, indisvalid AS valid FROM pg_index
        WHERE indrelid = 'first'::regclass ORDER BY 1`,
    );

  it('builds indexes concurrently, and goes on after an interruption', async () => {
    const failing = migrate(database, { migrations: [table, index('id')] });
    await expect(failing).rejects.toThrow(/0002_indexes\.sql: failed, and the next start tries it again: .*first_ids/);
    expect(await indexes()).toEqual([{ name: 'first_ids', valid: false }]);
    await database.query('DELETE FROM first WHERE ctid = (SELECT min(ctid) FROM first)');
    expect(await migrate(database, { migrations: [table, index('id')] })).toEqual(['0002_indexes.sql']);
    expect(await indexes()).toEqual([
      { name: 'first_ids', valid: true },
      { name: 'first_other', valid: true },
    ]);
    // The lock of migrations is free again, also in other sessions, and so are the timeouts of the connection.
    const other = postgres.pool({ url });
    expect(await migrate(other, { migrations: [table, index('id'), third] })).toEqual([third.name]);
  });

  it('goes on with an index whose name is in quotes', async () => {
    const quoted = index('id').sql.replaceAll('first_ids', '"First ids"');
    const migrations = [table, { name: '0002_indexes.sql', sql: quoted }];
    await expect(migrate(database, { migrations })).rejects.toThrow(/failed, and the next start tries it again/);
    await database.query('DELETE FROM first WHERE ctid = (SELECT min(ctid) FROM first)');
    await migrate(database, { migrations });
    expect((await indexes()).filter(({ valid }) => !valid)).toEqual([]);
  });

  it('is applied once when several replicas start at once', async () => {
    await migrate(database, { migrations: [table] });
    await database.query('DELETE FROM first');
    const pools = Array.from({ length: 4 }, () => postgres.pool({ url }));
    const applied = await Promise.all(pools.map((pool) => migrate(pool, { migrations: [table, index('id')] })));
    expect(applied.flat()).toEqual(['0002_indexes.sql']);
  });
});

describe('a migration that waits for a prepared transaction', () => {
  it('names it, lets other statements pass, and goes on when it has ended', async () => {
    await migrate(database, { migrations: [first] });
    await database.prepare('in-doubt-1', (transaction) => transaction.query('INSERT INTO first VALUES (7)'));
    const wider = { name: '0002_wider.sql', sql: 'ALTER TABLE first ADD COLUMN note text' };
    const warnings: string[] = [];
    const migrating = migrate(database, {
      migrations: [first, wider],
      lockTimeoutMs: 50,
      warn: (line) => warnings.push(line),
    });
    while (warnings.length < 2) await rows();
    expect(warnings[1]).toContain('Prepared transactions keep theirs until they end: in-doubt-1.');
    expect(await rows()).toEqual([]);
    await database.rollbackPrepared('in-doubt-1');
    expect(await migrating).toEqual([wider.name]);
  });

  it('ends its wait with the signal', async () => {
    await migrate(database, { migrations: [first] });
    await database.prepare('in-doubt-2', (transaction) => transaction.query('INSERT INTO first VALUES (7)'));
    const ending = new AbortController();
    const wider = { name: '0002_wider.sql', sql: 'ALTER TABLE first ADD COLUMN note text' };
    const warn = () => ending.abort(new Error('enough'));
    const migrating = migrate(database, { migrations: [first, wider], lockTimeoutMs: 50, warn, signal: ending.signal });
    await expect(migrating).rejects.toThrow('enough');
    await database.rollbackPrepared('in-doubt-2');
  });
});
