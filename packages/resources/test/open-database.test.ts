import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Shelf } from '@rondo/contracts/rondo/conformance/v1/library';
import { startTestPostgres } from '@rondo/database/testing';
import { silentLogger } from '@rondo/rpc/call';
import { startParts } from '@rondo/rpc/testing';
import { appendChanges, defineResource, openDatabase } from '../src/exports/index.js';

const shelves = defineResource(Shelf, { table: 'shelves' });
const postgres = await startTestPostgres();
const folder = await mkdtemp(join(tmpdir(), 'rondo-open-database-'));

beforeAll(() => writeFile(join(folder, '0001_notes.sql'), 'CREATE TABLE notes (text text NOT NULL);'));
afterAll(async () => {
  await postgres.stop();
  await rm(folder, { recursive: true });
});

const optionsOf = async (url = postgres.createDatabase()) => ({
  log: silentLogger,
  name: 'notes',
  url: await url,
  migrations: pathToFileURL(`${folder}/`),
});
const TABLES = `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`;

it('is a part that creates the tables of all parts and its own, has outcomes, and closes when it stops', async () => {
  const database = openDatabase(await optionsOf());
  expect(database.name).toMatch(/^the database "test_\d+" at 127\.0\.0\.1:\d+$/);
  const migrations = [{ name: '0001_jobs.sql', sql: 'CREATE TABLE jobs (id bigint)' }];
  await startParts({ parts: [database, { name: 'the jobs', schema: [{ name: 'jobs', migrations }] }] });
  const tables = (await database.query<{ name: string }>(TABLES)).map(({ name }) => name);
  expect(tables).toEqual(expect.arrayContaining(['notes', 'jobs', 'call_outcomes']));
  expect(tables.filter((name) => name.startsWith('sync'))).toEqual([]);
  expect(database.process.log).toBe(silentLogger);
  expect(database.context.newId()).toMatch(/^[0-9a-f]{20}$/);
  await database.stop?.();
  await expect(database.query('SELECT 1')).rejects.toThrow();
});

it('can never start if the tables lack what its resources store', async () => {
  const database = openDatabase({ ...(await optionsOf()), resources: [shelves] });
  const starting = startParts({ parts: [database] });
  await expect(starting).rejects.toMatchObject({ neverPasses: true, message: expect.stringContaining('shelves') });
  await database.stop?.();
});

it('tells the watchers of a topic what was written through its context', async () => {
  const database = openDatabase({ ...(await optionsOf()), resources: [] });
  await startParts({ parts: [database] });
  const { database: store, sync } = database.context;
  const { signal } = new AbortController();
  const watch = sync.watch({ topic: 'notes', snapshot: async () => [], signal });
  expect((await watch.next()).value).toMatchObject({ kind: 'snapshot' });
  await store.transaction((tx) => appendChanges(tx, [{ topic: 'notes', payload: { text: 'a' } }]));
  expect((await watch.next()).value).toMatchObject({ kind: 'change' });
  await database.stop?.();
});
