import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../embedded/start.js';
import { createPool } from '../pool.js';
import type { Database } from '../sql.js';
import { freePort } from '../testing/test-postgres.js';
import { type Backup, backUp } from './back-up.js';
import { restore } from './restore.js';

const ACCOUNTS = 20;
const EACH = 100;

let folder: string;
let server: EmbeddedPostgres;
let database: Database;
let backup: Backup;
let committedBefore: number;

const at = (name: string) => join(folder, name);
const restored = async (name: string, from = at('backup')) => restore({ from, to: at(name), port: await freePort() });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rondo backup '));
  chmodSync(folder, 0o755);
  server = await startEmbeddedPostgres({
    directory: at('live'),
    port: await freePort(),
    settings: { fsync: false },
  });
  database = createPool({ url: server.url });
  await database.query('CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL)');
  await database.query('CREATE TABLE journal (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text NOT NULL)');
  await database.query(`INSERT INTO accounts SELECT id, ${EACH} FROM generate_series(1, ${ACCOUNTS}) AS id`);
  await database
    .transaction(async (transaction) => {
      await transaction.query("INSERT INTO journal (note) VALUES ('in doubt')");
      await transaction.query("PREPARE TRANSACTION 'in doubt'");
    })
    .catch(() => undefined); // the pool's own COMMIT has nothing left to commit, and only warns
  writeFileSync(at('passwords.json'), '{"sales":"secret"}');
  backup = await underLoad(() =>
    backUp({ directory: at('live'), to: at('backup'), files: { 'passwords.json': at('passwords.json') } }),
  );
  await database.query("INSERT INTO journal (note) VALUES ('after the backup')");
});

afterAll(async () => {
  await database.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Moves money between accounts and rewrites tables while `work` runs; records how many transfers committed before. */
async function underLoad<Result>(work: () => Promise<Result>): Promise<Result> {
  let ended = false;
  let transfers = 0;
  const transfer = async () => {
    while (!ended) {
      transfers += 1;
      await database.transaction(async (transaction) => {
        await transaction.query('LOCK TABLE accounts');
        await transaction.query('UPDATE accounts SET balance = balance - 1 WHERE id = $1', [
          (transfers % ACCOUNTS) + 1,
        ]);
        await transaction.query('UPDATE accounts SET balance = balance + 1 WHERE id = $1', [
          ((transfers * 7) % ACCOUNTS) + 1,
        ]);
        await transaction.query("INSERT INTO journal (note) VALUES (repeat('transfer', 500))");
      });
    }
  };
  // New files and checkpoints: the files copied last know of a later checkpoint than the one where recovery must start.
  const churn = async () => {
    while (!ended) {
      await database.query('VACUUM FULL accounts');
      await database.query('CHECKPOINT');
    }
  };
  const load = [transfer(), transfer(), churn()];
  while (transfers < 20) await database.check();
  committedBefore = (await database.one<{ count: number }>('SELECT count(*)::int AS count FROM journal')).count;
  try {
    return await work();
  } finally {
    ended = true;
    await Promise.all(load);
  }
}

describe('a backup of a server at work', () => {
  it('is consistent at one moment: it has everything committed before it, and nothing committed after it', async () => {
    const { timeline, prepared } = await restored('copy');
    expect({ timeline, prepared }).toEqual({ timeline: backup.timeline + 1, prepared: 1 });
    // Without prepared transactions at the end of the copy, its file isn't there, and PostgreSQL doesn't start without the folder.
    expect(backup.folders).toContain('data/pg_twophase');
    const copy = await startEmbeddedPostgres({ directory: join(at('copy'), 'postgres'), port: await freePort() });
    const pool = createPool({ url: copy.url });
    try {
      expect(await pool.one('SELECT sum(balance)::int AS total, count(*)::int AS accounts FROM accounts')).toEqual({
        total: ACCOUNTS * EACH,
        accounts: ACCOUNTS,
      });
      const { count } = await pool.one<{ count: number }>('SELECT count(*)::int AS count FROM journal');
      expect(count).toBeGreaterThanOrEqual(committedBefore);
      expect(await pool.query("SELECT FROM journal WHERE note = 'after the backup'")).toEqual([]);
      await pool.query("COMMIT PREPARED 'in doubt'");
      expect(await pool.query("SELECT note FROM journal WHERE note = 'in doubt'")).toEqual([{ note: 'in doubt' }]);
      expect(readFileSync(join(at('copy'), 'passwords.json'), 'utf8')).toBe('{"sales":"secret"}');
    } finally {
      await pool.close();
      await copy.stop();
    }
  });

  it('leaves no replication slot and no partial folder behind', async () => {
    expect(await database.query('SELECT slot_name FROM pg_replication_slots')).toEqual([]);
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
  });
});

describe('restore refuses', () => {
  it.each<[string, file: string, spoil: (path: string) => void, RegExp]>([
    ['changed', 'data/global/1260', (path) => appendFileSync(path, 'x'), /data\/global\/1260 is damaged/],
    ['cut', 'data/backup_label', (path) => truncateSync(path, 10), /data\/backup_label is damaged/],
    ['missing', 'data/global/pg_control', (path) => rmSync(path), /pg_control can't be read, so the backup isn't/],
    ['unfinished', 'manifest.json', (path) => rmSync(path), /manifest.json can't be read: this is no backup/],
    ['edited', 'manifest.json', (path) => edit(path, '"timeline": 1', '"timeline": 9'), /manifest.json is damaged/],
  ])('a backup that is %s', async (...[name, file, spoil, message]) => {
    const path = join(at('backup'), file);
    const whole = readFileSync(path);
    spoil(path);
    try {
      await expect(restored(name)).rejects.toThrow(message);
      expect(existsSync(at(name))).toBe(false);
    } finally {
      writeFileSync(path, whole);
    }
  });

  it('a backup of another PostgreSQL', async () => {
    const other = 'foreign';
    mkdirSync(at(other));
    const { writeManifest } = await import('./manifest.js');
    await writeManifest(at(other), { ...manifestOf(backup), postgresMajor: '17' });
    await expect(restored('foreign restored', at(other))).rejects.toThrow(/PG_VERSION is of PostgreSQL 17, this is 18/);
  });

  it('a folder that has something in it', async () => {
    mkdirSync(join(at('taken'), 'postgres'), { recursive: true });
    await expect(restored('taken')).rejects.toThrow(/taken isn't empty \(it has postgres\): name another folder/);
  });
});

describe('backUp refuses', () => {
  it('the copy of a folder on which a server runs', async () => {
    const home = dirname(server.dataDirectory);
    mkdirSync(at('copy/data'), { recursive: true });
    for (const file of ['password', 'data/postmaster.pid']) copyFileSync(join(home, file), at(`copy/${file}`));
    await expect(backUp({ directory: at('copy'), to: at('backup of the copy') })).rejects.toThrow(/No server runs on/);
  });

  it('a folder on which no server runs', async () => {
    await expect(backUp({ directory: at('unused-data'), to: at('unused') })).rejects.toThrow(
      /No server runs on .*unused-data/,
    );
  });

  it('a folder that has something in it', async () => {
    await expect(backUp({ directory: at('live'), to: at('backup') })).rejects.toThrow(/backup isn't empty/);
  });
});

const edit = (file: string, from: string, to: string) => {
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(from);
  writeFileSync(file, text.replace(from, to));
};

const manifestOf = ({ folder: _folder, sizeBytes: _size, ...manifest }: Backup) => manifest;
