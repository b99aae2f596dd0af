import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { createPool, type Database, type Queries, SerializationFailure } from './index.js';
import { startTestPostgres, type TestPostgres } from './testing/index.js';

const CONNECTIONS = 6;

let server: TestPostgres;
let admin: Database;
let database: Database;

beforeAll(async () => {
  server = await startTestPostgres();
});
afterAll(() => server.stop());

beforeEach(async () => {
  const url = await server.createDatabase();
  admin = createPool({ url, maxConnections: 1 });
  await admin.query('CREATE TABLE item (id int PRIMARY KEY, price numeric(24, 0) NOT NULL)');
  await admin.query('INSERT INTO item (id, price) VALUES (1, 100)');
  database = createPool({ url, maxConnections: CONNECTIONS });
});
afterEach(() => Promise.all([admin.close(), database.close()]));

/** Selects the whole row on purpose: an added column changes the result. */
const find = (queries: Queries) => queries.one('SELECT * FROM item WHERE id = 1', [], { name: 'find_item' });
const backend = async (queries: Queries) => (await queries.one<{ pid: number }>('SELECT pg_backend_pid() AS pid')).pid;

/** Runs `work` on every connection of the pool; none is returned before all are taken. */
async function onAll<T>(work: (queries: Queries) => Promise<T>): Promise<readonly T[]> {
  let taken = 0;
  let open: () => void = () => undefined;
  const all = new Promise<void>((resolve) => {
    open = resolve;
  });
  const one = () =>
    database.transaction(async (transaction) => {
      const result = await work(transaction);
      taken += 1;
      if (taken >= CONNECTIONS) open();
      await all;
      return result;
    });
  return Promise.all(Array.from({ length: CONNECTIONS }, one));
}

it('repeats a statement whose result a migration has changed, and replaces every connection', async () => {
  const before = await onAll(async (queries) => {
    await find(queries);
    return backend(queries);
  });
  await admin.query('ALTER TABLE item ADD COLUMN colour text');
  const rows = await Promise.all(Array.from({ length: 40 }, () => find(database)));
  expect(rows).toEqual(Array(40).fill({ id: 1, price: '100', colour: null }));
  const after = await onAll(backend);
  expect(after.filter((pid) => before.includes(pid))).toEqual([]);
});

it('repeats a statement with named columns after a change of a column type', async () => {
  const named = () => database.one('SELECT price FROM item WHERE id = 1', [], { name: 'find_price' });
  await named();
  await admin.query('ALTER TABLE item ADD COLUMN colour text');
  const pid = await backend(database);
  await named();
  expect(await backend(database)).toBe(pid);
  await admin.query('ALTER TABLE item ALTER COLUMN price TYPE numeric(30, 2)');
  await expect(named()).resolves.toEqual({ price: '100.00' });
  expect(await backend(database)).not.toBe(pid);
});

it('repeats a transaction from its start, and commits it once', async () => {
  await find(database);
  await admin.query('ALTER TABLE item ADD COLUMN colour text');
  let runs = 0;
  await database.transaction(async (transaction) => {
    runs += 1;
    await transaction.query('INSERT INTO item (id, price) VALUES (2, 1)');
    await find(transaction);
  });
  expect(runs).toBe(2);
  await expect(database.query('SELECT id FROM item ORDER BY id')).resolves.toEqual([{ id: 1 }, { id: 2 }]);
});

it('repeats a prepared transaction and prepares it once', async () => {
  await find(database);
  await admin.query('ALTER TABLE item ADD COLUMN colour text');
  await database.prepare('test:1', async (transaction) => {
    await transaction.query('INSERT INTO item (id, price) VALUES (3, 1)');
    await find(transaction);
  });
  await expect(database.commitPrepared('test:1')).resolves.toBe(true);
  await expect(database.query('SELECT id FROM item ORDER BY id')).resolves.toEqual([{ id: 1 }, { id: 3 }]);
});

it('runs a transaction with one attempt once, and still replaces the connection', async () => {
  await find(database);
  const pid = await backend(database);
  await admin.query('ALTER TABLE item ADD COLUMN colour text');
  const once = database.transaction(find, { attempts: 1 });
  await expect(once).rejects.toBeInstanceOf(SerializationFailure);
  await expect(find(database)).resolves.toMatchObject({ colour: null });
  expect(await backend(database)).not.toBe(pid);
});

it('does not affect other unsupported features', async () => {
  const pid = await backend(database);
  // SQLSTATE 0A000, too.
  await expect(database.query('SELECT count(*) FROM item FOR UPDATE')).rejects.not.toBeInstanceOf(SerializationFailure);
  expect(await backend(database)).toBe(pid);
});
