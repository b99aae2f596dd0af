import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Pool } from 'pg';
import { filePostgres } from '../test/postgres.js';
import { DatabaseUnavailable, UniqueViolation } from './errors.js';
import { overPool } from './pool.js';
import type { Database, Transaction } from './sql.js';
import { eventually } from './testing/test-postgres.js';

const postgres = filePostgres();
let watcher: Database;
let pool: Pool;
let database: Database;

beforeAll(async () => {
  const url = await postgres.createDatabase();
  watcher = postgres.pool({ url });
  pool = new Pool({ connectionString: url, application_name: 'own', max: 1 });
  pool.on('error', () => undefined);
  await pool.query('CREATE TABLE item (id int PRIMARY KEY)'); // its connection is older than the database over it
  database = overPool(pool);
});

afterAll(() => pool.end());

const isGone = async (condition: string): Promise<boolean> => {
  const sql = `SELECT 1 FROM pg_stat_activity WHERE application_name = 'own' AND ${condition}`;
  return (await watcher.query(sql)).length === 0;
};

it('rows have the types of all databases, and those of its own queries stay', async () => {
  const sql = 'SELECT 1::int8 AS n';
  expect(await database.one(sql)).toEqual({ n: 1n });
  expect((await pool.query(sql)).rows).toEqual([{ n: '1' }]);
});

it('the loss of a connection between statements is an error, and ends no process', async () => {
  const work = async (transaction: Transaction) => {
    const { pid } = await transaction.one<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await watcher.query('SELECT pg_terminate_backend($1)', [pid]);
    await eventually('the end of the connection', () => isGone(`pid = ${pid}`));
    await transaction.query('SELECT 1');
  };
  await expect(database.transaction(work)).rejects.toThrow(DatabaseUnavailable);
  await database.check();
});

it('a statement that takes too long is cancelled', async () => {
  const impatient = overPool(pool, { statementTimeoutMs: 100 });
  await expect(impatient.query('SELECT pg_sleep(600)')).rejects.toThrow('PostgreSQL gave no answer within 1100 ms');
  await eventually('its end in the server', () => isGone("state = 'active'"));
});

it('errors are classified, also those of another copy of the driver', async () => {
  await database.query('INSERT INTO item VALUES (1)');
  await expect(database.query('INSERT INTO item VALUES (1)')).rejects.toThrow(UniqueViolation);
  const fields = { severity: 'ERROR', code: '23505', routine: '_bt_check_unique', constraint: 'item_pkey' };
  const foreign = { connect: () => Promise.reject(Object.assign(new Error('twice'), fields)) };
  await expect(overPool(foreign).check()).rejects.toThrow(UniqueViolation);
});

it('the pool stays open when the database over it is closed', async () => {
  await overPool(pool).close();
  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});
