import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createPool, migrate } from '@rondo/database';
import { startEmbeddedPostgres } from '@rondo/database/embedded';
import { freePort } from '@rondo/database/testing';
import { type Clock, systemClock } from '@rondo/rpc/clock';
import { createSync, syncSchema } from '../../src/exports/index.js';
import { WatchUnavailable } from '../../src/sync/errors.js';
import { failureOf, openWatch, write } from './fixture.js';

const directory = mkdtempSync(join(tmpdir(), 'rondo-sync-outage-'));
let start: () => ReturnType<typeof startEmbeddedPostgres>;
let server: Awaited<ReturnType<typeof startEmbeddedPostgres>>;

beforeAll(async () => {
  chmodSync(directory, 0o755); // as root the server is another user
  const port = await freePort();
  start = () => startEmbeddedPostgres({ directory, port, settings: { fsync: false } });
  server = await start();
});

afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

it('an unavailable database ends watchers in bounded time, and no change is lost', async () => {
  const { url } = server;
  const database = createPool({ url });
  await migrate(database, { part: syncSchema.name, migrations: syncSchema.migrations });
  await database.query('CREATE TABLE item (topic text, id int, value int NOT NULL, PRIMARY KEY (topic, id))');
  const lines: string[] = [];
  const note = (_fields: object, line: string) => void lines.push(line);
  const log = { warn: note, info: note };
  // Its time stands still while the database is there: a busy machine's answers may be as late as they like.
  let [nowMs, stepMs] = [0, 0];
  const clock: Clock = { ...systemClock, now: () => (nowMs += stepMs) };
  const sync = createSync({ database, url, log, clock, sweepMs: 20 });
  const replica = { database, sync, close: async () => undefined };

  const [patient, watcher] = [openWatch(replica, 'topic'), openWatch(replica, 'topic')];
  await patient.received();
  const { resumeToken = '' } = await watcher.next();
  await write(replica, 'topic', 1);
  expect(await watcher.received()).toBe('1:1');
  await server.stop();
  stepMs = 1_000;
  expect(await failureOf(watcher)).toBeInstanceOf(WatchUnavailable);
  expect(await failureOf(openWatch(replica, 'topic', { resumeToken }))).toBeInstanceOf(WatchUnavailable);
  expect(await failureOf(openWatch(replica, 'topic'))).toBeInstanceOf(WatchUnavailable);

  server = await start();
  stepMs = 0;
  await write(replica, 'topic', 1);
  const resumed = openWatch(replica, 'topic', { resumeToken });
  expect([await resumed.received(), await resumed.received()]).toEqual(['1:1', '1:2']);
  await write(replica, 'topic', 2);
  expect(await resumed.received()).toBe('2:1');
  // One line for the start of an outage and one for its end, not one per attempt.
  const relay = lines.filter((line) => line.startsWith('the relay'));
  expect(relay).toEqual(['the relay of changes failed, and is retried', 'the relay of changes succeeds again']);
  await sync.close();
  await database.close();
});
