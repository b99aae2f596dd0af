import { beforeAll, expect, it } from '@jest/globals';
import type { Database } from '@rondo/database';
import { filePostgres } from '../../database/test/postgres.js';
import { meterUnfinished, type Unfinished } from './metrics.js';
import { transactionsSchema } from './schema.js';
import { gidOf } from './transaction-ref.js';

const postgres = filePostgres();
let database: Database;

beforeAll(async () => {
  database = postgres.pool({ url: await postgres.createDatabase() });
  for (const { sql } of transactionsSchema.migrations ?? []) await database.transaction(({ script }) => script(sql));
});

/** What a role has unfinished, by its metrics. */
async function unfinished(role: Unfinished['role']): Promise<Readonly<Record<string, number>>> {
  const values: Record<string, number> = {};
  let read: (result: { observe(name: string, value: number): void }) => Promise<void> = async () => undefined;
  const meter = {
    createObservableGauge: (name: string) => name,
    addBatchObservableCallback: (callback: typeof read) => {
      read = callback;
    },
  };
  meterUnfinished({ meter: meter as unknown as NonNullable<Unfinished['meter']>, database, role, name: 'my_shop' });
  await read({
    observe: (name, value) => {
      values[name] = value;
    },
  });
  return values;
}

const NONE = { 'rondo.transactions.unfinished': 0, 'rondo.transactions.unfinished.age': 0 };

it('a participant tells of its own prepared branches, until they have ended', async () => {
  const mine = gidOf({ coordinator: 'c', id: '1' }, 'my_shop');
  for (const gid of [mine, gidOf({ coordinator: 'c', id: '1' }, 'my-shop')])
    await database.prepare(gid, ({ query }) => query('SELECT 1'));
  const figures = await unfinished('participant');
  expect(figures['rondo.transactions.unfinished']).toBe(1);
  expect(figures['rondo.transactions.unfinished.age']).toBeGreaterThan(0);
  await database.rollbackPrepared(mine);
  expect(await unfinished('participant')).toEqual(NONE);
});

it('a coordinator tells of what is in its log and not finished, with the age of the oldest', async () => {
  const log = (id: string, state: string, coordinator: string) =>
    database.query(
      `INSERT INTO transaction_log (id, coordinator, kind, subject, state, decision, participants, create_time, expire_time, due_time)
       VALUES ($1, $2, '', '', $3, 'committed', '[]', now() - interval '90 s', now(), now())`,
      [id, coordinator, state],
    );
  await log('1', 'committed', 'my_shop');
  await log('2', 'committing', 'another');
  expect(await unfinished('coordinator')).toEqual(NONE);
  await log('3', 'committing', 'my_shop');
  const figures = await unfinished('coordinator');
  expect(figures['rondo.transactions.unfinished']).toBe(1);
  expect(figures['rondo.transactions.unfinished.age']).toBeGreaterThanOrEqual(90);
});
