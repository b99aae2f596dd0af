import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { createPool, type Database, DatabaseUnavailable } from '@rondo/database';
import { startEmbeddedPostgres } from '@rondo/database/embedded';
import { eventually, freePort } from '@rondo/database/testing';
import { readMark } from '../src/coordinator/log.js';

const RECOVERING = 'SELECT pg_is_in_recovery() AS is';
const IN_CONTROL_FILE = 'SELECT timeline_id FROM pg_control_checkpoint()';

it('a promoted standby has another mark at once, before the first checkpoint of its timeline', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'rondo-promotion-'));
  chmodSync(directory, 0o755);
  const options = { directory, port: await freePort() };
  const servers: Awaited<ReturnType<typeof startEmbeddedPostgres>>[] = [];
  let database: Database | undefined;
  try {
    const primary = await startEmbeddedPostgres(options);
    servers.push(primary);
    database = createPool({ url: primary.url });
    const mark = await readMark(database, {});
    // The checkpoint after the promotion writes each of these pages, with pauses.
    await database.query(`CREATE TABLE pages AS SELECT repeat('x', 5000) AS x FROM generate_series(1, 2000)`);
    process.kill(primary.pid, 'SIGQUIT');
    await primary.exited;
    writeFileSync(join(primary.dataDirectory, 'standby.signal'), '');
    const starting = startEmbeddedPostgres(options).then((server) => servers.push(server));
    const { one } = database;
    await eventually('the standby answers', () =>
      one<{ is: boolean }>(RECOVERING).then(
        ({ is }) => is,
        () => false,
      ),
    );
    const onStandby = await readMark(database, {}).catch((error: unknown) => error);
    await database.query('SELECT pg_promote()');
    await starting;
    expect(await one(RECOVERING)).toEqual({ is: false });
    const promoted = await readMark(database, {});
    expect(await one(IN_CONTROL_FILE)).toEqual({ timeline_id: 1 });
    expect(promoted).not.toBe(mark);
    expect(onStandby).toBeInstanceOf(DatabaseUnavailable);
  } finally {
    await database?.close();
    for (const server of servers) await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
});
