import { tracingChannel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { yieldToEventLoop } from '@rondo/base';
import { Pool } from 'pg';
import { deferred } from '../../rpc/test/support/wait.js';
import { filePostgres } from '../test/postgres.js';
import { CommitOutcomeUnknown, UniqueViolation } from './errors.js';
import { overPool } from './pool.js';
import type { Database, Isolation, Queries, Transaction } from './sql.js';

const postgres = filePostgres();
let database: Database;
let url: string;

beforeAll(async () => {
  url = await postgres.createDatabase();
  database = postgres.pool({ url });
  await database.query('CREATE TABLE account (id int PRIMARY KEY, amount int8 NOT NULL)');
});

beforeEach(async () => {
  await database.query('TRUNCATE account');
  await database.query('INSERT INTO account VALUES (1, 0), (2, 0)');
});

const sum = async (queries: Queries) => (await queries.one<{ sum: string }>('SELECT sum(amount) FROM account')).sum;

describe('a transaction spares waits:', () => {
  const seen: string[] = [];
  const note = (what: string) => (message: unknown) =>
    seen.push(`${what} ${/^\w+/.exec((message as { text: string }).text)}`);
  const channel = tracingChannel<unknown, object>('rondo.database.statement');
  const handlers = { start: note('sends'), asyncEnd: note('had') };

  beforeEach(() => channel.subscribe(handlers as never));
  afterEach(() => {
    channel.unsubscribe(handlers as never);
    seen.length = 0;
  });

  it('its first statement is sent with its BEGIN, and later ones after the answer to the one before', async () => {
    const work = (transaction: Transaction) =>
      Promise.all(['SELECT 1', 'TABLE account'].map((sql) => transaction.query(sql)));
    await database.transaction(work);
    expect(seen.slice(0, 2)).toEqual(['sends BEGIN', 'sends SELECT']);
    expect(seen.slice(4)).toEqual(['sends TABLE', 'had TABLE', 'sends COMMIT', 'had COMMIT']);
  });

  it('its COMMIT is sent with a statement that is pipelined, and fails with it', async () => {
    const failing = database.transaction(async (transaction) => {
      await transaction.query('UPDATE account SET amount = 5');
      transaction.query('INSERT INTO account VALUES (1, 1)', [], { pipelined: true }).catch(() => undefined);
    });
    await expect(failing).rejects.toBeInstanceOf(UniqueViolation);
    expect(seen.slice(4, 6)).toEqual(['sends INSERT', 'sends COMMIT']);
    expect(await sum(database)).toBe('0');
  });
});

describe('a transaction that PostgreSQL refuses to begin', () => {
  const refused = { isolation: 'none' as unknown as Isolation };

  it('may have done its first statement, and does no other one', async () => {
    const work = async (transaction: Transaction) => {
      await transaction.query('UPDATE account SET amount = 1 WHERE id = 1');
      await transaction.query('UPDATE account SET amount = 1 WHERE id = 2');
    };
    await expect(database.transaction(work, refused)).rejects.toThrow(CommitOutcomeUnknown);
    expect((await database.one<{ amount: bigint }>('SELECT amount FROM account WHERE id = 2')).amount).toBe(0n);
  });

  it('says why if it only reads', async () => {
    const reading = database.transaction(sum, { ...refused, readOnly: true });
    await expect(reading).rejects.toThrow('syntax error');
  });
});

it('nothing runs outside of a transaction, however soon its caller leaves', async () => {
  const pool = new Pool({ connectionString: url, pipeline: true, max: 1 });
  for (let after = 0; after < 40; after += 1) {
    const leaving = new AbortController();
    const leave = async () => {
      for (let task = 0; task < after; task += 1) await undefined;
      leaving.abort(new Error('left'));
    };
    const connect = async () => {
      const client = await pool.connect();
      void leave();
      return client;
    };
    const update = (transaction: Transaction) =>
      transaction.query('UPDATE account SET amount = 1', [], { signal: new AbortController().signal });
    const left = overPool({ connect }).transaction(update, { signal: leaving.signal });
    await expect(left).rejects.toThrow('left');
  }
  await pool.end();
  expect(await sum(database)).toBe('0');
});

it('a statement that is answered with its commit does not hide that no standby confirmed that', async () => {
  const commit = deferred();
  const client = Object.assign(new EventEmitter(), {
    pipeline: true,
    release: () => undefined,
    async query(query: string | { readonly text: string }) {
      const text = typeof query === 'string' ? query : query.text;
      if (text === 'COMMIT') {
        client.emit('notice', { routine: 'SyncRepWaitForLSN' });
        commit.resolve();
        await yieldToEventLoop();
      } else if (text === 'UPDATE') await commit.promise;
      return { rows: [], command: text };
    },
  });
  const updating = overPool({ connect: async () => client as never }).transaction(async (transaction) => {
    transaction.query('UPDATE', [], { pipelined: true }).catch(() => undefined);
  });
  await expect(updating).rejects.toThrow(CommitOutcomeUnknown);
});
