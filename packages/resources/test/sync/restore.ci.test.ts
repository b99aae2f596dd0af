import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createPool, migrate } from '@rondo/database';
import { backUp, restore } from '@rondo/database/backup';
import { startEmbeddedPostgres } from '@rondo/database/embedded';
import { freePort } from '@rondo/database/testing';
import { createSync, syncSchema } from '../../src/exports/index.js';
import { NEVER, nextToken, openWatch, type Replica, write, writeAndDie } from './fixture.js';

const TOPIC = 'a';
/** More than the ids that a sequence skips in recovery, so that the other history reuses some of them. */
const MANY = Array.from({ length: 60 }, (_, index) => 100 + index);
const silent = { warn: () => undefined, info: () => undefined };

let folder: string;
let live: Opened;
let restored: Opened;

/** A server with one replica on it. */
interface Opened extends Replica {
  stop(): Promise<void>;
}

async function open(directory: string): Promise<Opened> {
  const server = await startEmbeddedPostgres({ directory, port: await freePort() });
  const database = createPool({ url: server.url });
  const sync = createSync({ database, url: server.url, log: silent, ...NEVER });
  const close = async () => {
    await sync.close();
    await database.close();
  };
  return {
    database,
    sync,
    close,
    async stop() {
      await close();
      await server.stop();
    },
  };
}

async function tokenOf(replica: Replica): Promise<string> {
  const watcher = openWatch(replica, TOPIC);
  const token = await nextToken(watcher);
  await watcher.leave();
  return token;
}

let known: string;
let unknown: string;
let unrelayed: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rondo-sync-restore-'));
  chmodSync(folder, 0o755);
  live = await open(join(folder, 'live'));
  await migrate(live.database, { part: syncSchema.name, migrations: syncSchema.migrations });
  await live.database.query('CREATE TABLE item (topic text, id int, value int NOT NULL, PRIMARY KEY (topic, id))');
  await write(live, TOPIC, 1);
  await live.sync.settled();
  known = await tokenOf(live);
  await writeAndDie(live, TOPIC, 2); // still in the outbox
  await backUp({ directory: join(folder, 'live'), to: join(folder, 'backup') });
  await writeAndDie(live, TOPIC, ...MANY);
  unrelayed = await tokenOf(live);
  await write(live, TOPIC, 3);
  await live.sync.settled();
  unknown = await tokenOf(live);
  await restore({ from: join(folder, 'backup'), to: join(folder, 'new'), port: await freePort() });
  restored = await open(join(folder, 'new', 'postgres'));
  // As many changes as in the other history.
  await write(restored, TOPIC, 4, 5, 6);
  await restored.sync.settled();
});

afterAll(async () => {
  await live.stop();
  await restored.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('resumes from a token issued before the backup, with the changes in the outbox at that time', async () => {
  const watcher = openWatch(restored, TOPIC, { resumeToken: known });
  expect([await watcher.received(), await watcher.received()]).toEqual(['2:1', '4:1']);
  await watcher.leave();
});

it('starts with a snapshot if the watcher received more than the backup holds', async () => {
  const watcher = openWatch(restored, TOPIC, { resumeToken: unknown });
  expect(await watcher.received()).toBe('snapshot 1:1 2:1 4:1 5:1 6:1');
  await watcher.leave();
});

it('starts with a snapshot if the earlier snapshot included unrelayed changes, even if other changes have their ids now', async () => {
  const watcher = openWatch(restored, TOPIC, { resumeToken: unrelayed });
  expect(await watcher.received()).toBe('snapshot 1:1 2:1 4:1 5:1 6:1');
  await watcher.leave();
});
