/** A PostgreSQL of Debian's that Patroni fails over, with etcd. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createPool, type Database } from '@rondo/database';
import { etcdMissing, eventually, runNode } from '@rondo/harness';
import { noPatroni, type PatroniCluster, startPatroni } from './src/patroni.js';

const missing = noPatroni ?? etcdMissing();
if (missing !== undefined) process.stdout.write(`NOT TESTED: failovers by Patroni, as ${missing}\n`);

const WAIT = { outageWait: { timeoutMs: 300_000, repeatable: true } };
const folder = mkdtempSync(join(tmpdir(), 'rondo-patroni-backup-'));
let cluster: PatroniCluster | undefined;
let pool: Database | undefined;

afterEach(async () => {
  await pool?.close();
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

(missing === undefined ? describe : describe.skip)('a cluster that Patroni runs', () => {
  it('loses no acknowledged write by a switchover or by the death of its primary, and is backed up', async () => {
    cluster = await startPatroni();
    const database = createPool({ url: cluster.url });
    pool = database;
    await database.query('CREATE TABLE numbers (number int PRIMARY KEY)');
    await database.prepare('in-doubt', (transaction) => transaction.query('INSERT INTO numbers VALUES (-1)'));
    const acknowledged: number[] = [];
    let over = false;
    const writing = (async () => {
      for (let number = 0; !over; number += 1) {
        await database.transaction(
          (transaction) => transaction.query('INSERT INTO numbers VALUES ($1) ON CONFLICT DO NOTHING', [number]),
          WAIT,
        );
        acknowledged.push(number);
      }
    })();
    const untilMore = async () => {
      const before = acknowledged.length;
      await eventually(() => expect(acknowledged.length).toBeGreaterThan(before + 20));
    };
    await untilMore();
    await cluster.switchOver();
    await untilMore();
    await cluster.untilSynchronous();
    const startKilled = await cluster.killPrimary();
    await untilMore();
    startKilled();
    await cluster.untilSynchronous();
    await untilMore();
    over = true;
    await writing;
    await expect(database.commitPrepared('in-doubt', WAIT)).resolves.toBe(true);
    const rows = await database.query<{ number: number }>('SELECT number FROM numbers ORDER BY number', [], WAIT);
    expect(rows.map(({ number }) => number)).toEqual([-1, ...acknowledged]);

    const to = join(folder, 'backup');
    const env = { RONDO_DATABASE_ADMIN_URL: cluster.url };
    const backup = await runNode(['scripts/rondo.mjs', 'backup', '--to', to], { env });
    expect({ code: backup.code, stderr: backup.stderr }).toEqual({ code: 0, stderr: '' });
    expect(existsSync(join(to, 'postgres/backup_label'))).toBe(true);
  });
});
