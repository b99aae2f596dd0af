import { createPool, type Database, migrate, type Transaction } from '@rondo/database';
import { startTestPostgres } from '@rondo/database/testing';
import { appendChanges, createSync, type Sync, syncSchema } from '../../src/exports/index.js';
import type { SyncOptions } from '../../src/sync/sync.js';
import type { KeyedSnapshot, WatchEvent } from '../../src/sync/watch/watch.js';

const silent = { warn: () => undefined, info: () => undefined };

const LONGER_THAN_A_TEST_MS = 3_600_000;

/**
 * No sweep runs during a test, so every change arrives by a nudge or a flush of the test. No reader is too slow, even
 * on a busy machine.
 */
export const NEVER = {
  sweepMs: LONGER_THAN_A_TEST_MS,
  partTimeoutMs: LONGER_THAN_A_TEST_MS,
  readTimeoutMs: LONGER_THAN_A_TEST_MS,
};

/** A replica: a pool and a sync of its own. */
export interface Replica {
  readonly database: Database;
  readonly sync: Sync;
  close(): Promise<void>;
}

/** A database of items with counters, whose changes are published, and any number of replicas on it. */
export async function startFixture() {
  const postgres = await startTestPostgres();
  const url = await postgres.createDatabase();
  const admin = createPool({ url, maxConnections: 4 });
  await migrate(admin, { part: syncSchema.name, migrations: syncSchema.migrations });
  await admin.query('CREATE TABLE item (topic text, id int, value int NOT NULL, PRIMARY KEY (topic, id))');
  const replicas = new Set<Replica>();
  let topics = 0;
  const openReplica = (options: Partial<SyncOptions> = {}): Replica => {
    const database = createPool({ url, maxConnections: 6 });
    const sync = createSync({ database, url, log: silent, ...options });
    const replica: Replica = {
      database,
      sync,
      async close() {
        replicas.delete(replica);
        await sync.close();
        await database.close();
      },
    };
    replicas.add(replica);
    return replica;
  };

  return {
    postgres,
    url,
    admin,
    openReplica,
    /** Two replicas without background work, and a topic that no other test uses. */
    openPair() {
      topics += 1;
      return { topic: `topic-${topics}`, one: openReplica(NEVER), two: openReplica(NEVER) };
    },
    async stop() {
      await Promise.all([...replicas].map((replica) => replica.close()));
      await admin.close();
      await postgres.stop();
    },
  };
}

/** The result of {@link startFixture}. */
export type SyncFixture = Awaited<ReturnType<typeof startFixture>>;

/** An item of a topic. */
export interface Item {
  readonly id: number;
  readonly value: number;
}

/** Increments items, in the order of `ids`. */
async function increment(transaction: Transaction, topic: string, ids: readonly number[]): Promise<readonly Item[]> {
  return await transaction.query<Item>(
    `INSERT INTO item SELECT $1, id, 1 FROM unnest($2::int[]) AS id
     ON CONFLICT (topic, id) DO UPDATE SET value = item.value + 1 RETURNING id, value`,
    [topic, ids],
  );
}

/** Increments items and appends a change for each, without a nudge. */
export async function countUp(transaction: Transaction, topic: string, ...ids: number[]): Promise<void> {
  const items = await increment(transaction, topic, ids);
  await appendChanges(
    transaction,
    items.map((payload) => ({ topic, payload })),
  );
}

/** Increments items, whose ids increase, and appends one change with a row for each, without a nudge. */
export async function writeTogether({ database }: Replica, topic: string, ...ids: number[]): Promise<void> {
  await database.transaction(async (transaction) => {
    const rows = await increment(transaction, topic, ids);
    await appendChanges(transaction, [{ topic, payload: { rows } }]);
  });
}

/** The rows of a change of {@link writeTogether}, or the one row that it is. */
export function rowsOf(payload: unknown): readonly unknown[] {
  if (typeof payload !== 'object' || payload === null || !('rows' in payload)) return [payload];
  return Array.isArray(payload.rows) ? payload.rows : [];
}

/** Increments items in one transaction at a replica, and nudges. */
export async function write(replica: Replica, topic: string, ...ids: number[]): Promise<void> {
  await writeAndDie(replica, topic, ...ids);
  replica.sync.nudge();
}

/** Like {@link write}, but the process dies before the nudge. */
export async function writeAndDie({ database }: Replica, topic: string, ...ids: number[]): Promise<void> {
  await database.transaction((transaction) => countUp(transaction, topic, ...ids));
}

/** All items of a topic along their ids, in parts of `size`, of which one transaction reads two. */
export function itemsOf(topic: string, size = 1_000): KeyedSnapshot<readonly Item[]> {
  return {
    async readAfter(transaction, key) {
      const sql = 'SELECT id, value FROM item WHERE topic = $1 AND id >= $2 ORDER BY id LIMIT $3';
      const items = await transaction.query<Item>(sql, [topic, key, 2 * size]);
      const halves = items.length > size ? [items.slice(0, size), items.slice(size)] : [items];
      const parts = halves.map((part) => ({ part, lastKey: keyOf(part.at(-1)?.id) }));
      return { parts, last: items.length < 2 * size };
    },
    keyOf: (payload) => keyOf(itemOf(payload).id),
  };
}

/** A key is positive, and the first id is 0. */
const keyOf = (id = -1): bigint => BigInt(id + 1);

interface OpenOptions {
  readonly resumeToken?: string;
  readonly size?: number;
  readonly caller?: string;
}

/** A watcher that the test reads event by event. */
export function openWatch(replica: Replica, topic: string, options: OpenOptions = {}) {
  const stop = new AbortController();
  const { resumeToken, size, caller } = options;
  const snapshot = itemsOf(topic, size);
  const events = replica.sync.watch({ topic, resumeToken, snapshot, rowsOf, caller, signal: stop.signal });
  return {
    events,
    async next(): Promise<WatchEvent<readonly Item[]>> {
      const step = await events.next();
      if (step.done === true) throw new Error('the watch has ended');
      return step.value;
    },
    /** The next event in short form. */
    async received(): Promise<string> {
      const step = await events.next();
      return step.done === true ? 'the end' : inShort(step.value);
    },
    async leave(): Promise<void> {
      stop.abort(new Error('left'));
      await events.return();
    },
  };
}

/** The error of a watcher's next event; the event if there is no error. */
export async function failureOf(watcher: { next(): Promise<unknown> }): Promise<unknown> {
  return watcher.next().catch((error: unknown) => error);
}

/** The token of a watcher's next event. */
export async function nextToken(watcher: ReturnType<typeof openWatch>): Promise<string> {
  return (await watcher.next()).resumeToken;
}

/** The short form of an event: `snapshot 1:1 2:1`, `1:2`. */
export function inShort(event: WatchEvent<readonly Item[]>): string {
  if (event.kind === 'change') return itemInShort(event.payload);
  return ['snapshot', ...event.part.map(itemInShort), ...(event.last ? [] : ['…'])].join(' ');
}

/** `id:value` of a payload. */
export function itemInShort(item: unknown): string {
  const { id, value } = itemOf(item);
  return `${id}:${value}`;
}

/** The item in a payload. */
export function itemOf(payload: unknown): Item {
  if (typeof payload === 'object' && payload !== null && 'id' in payload && 'value' in payload) {
    return { id: Number(payload.id), value: Number(payload.value) };
  }
  throw new Error('no item');
}
