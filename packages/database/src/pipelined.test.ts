import { tracingChannel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { yieldToEventLoop } from '@rondo/base';
import { Pool } from 'pg';
import { deferred } from '../../rpc/test/support/wait.js';
import { filePostgres } from '../test/postgres.js';
import { acquire, Generations } from './connection.js';
import { CommitOutcomeUnknown, DatabaseUnavailable, UniqueViolation } from './errors.js';
import { Hosts } from './hosts.js';
import { migrate } from './migrate.js';
import { createOutcomeStore, outcomesSchema } from './outcomes.js';
import { overPool } from './pool.js';
import type { Database, Isolation, Queries, Transaction } from './sql.js';
import { eventually } from './testing/test-postgres.js';

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

  it('the commit fails with the fault of such a statement, not with one before a rollback to a savepoint', async () => {
    const failing = database.transaction(async ({ query }) => {
      await query('SAVEPOINT before');
      await expect(query('INSERT INTO account VALUES (1, 1)')).rejects.toBeInstanceOf(UniqueViolation);
      await query('ROLLBACK TO before');
      query('SELECT 1 / 0', [], { pipelined: true }).catch(() => undefined);
    });
    await expect(failing).rejects.toThrow('division by zero');
  });
});

describe('a transaction that PostgreSQL refuses to begin', () => {
  const refused = { isolation: 'none' as unknown as Isolation };
  const over = (fault: Error) => {
    const query = () => Promise.reject(fault);
    const client = Object.assign(new EventEmitter(), { query, release: () => undefined });
    return overPool({ connect: async () => client as never });
  };

  it('may have done its first statement, and does no other one', async () => {
    const work = async (transaction: Transaction) => {
      await transaction.query('UPDATE account SET amount = 1 WHERE id = 1');
      await transaction.query('UPDATE account SET amount = 1 WHERE id = 2');
    };
    await expect(database.transaction(work, refused)).rejects.toThrow(CommitOutcomeUnknown);
    expect((await database.one<{ amount: bigint }>('SELECT amount FROM account WHERE id = 2')).amount).toBe(0n);
  });

  it('may leave the claim of a key, which a repetition takes over', async () => {
    const { name: part, migrations } = outcomesSchema;
    await migrate(database, { part, migrations });
    const call = { method: '/a.B/C', caller: '', key: 'k', fingerprint: new Uint8Array(32), retentionMs: 60_000 };
    const reply = { encode: () => new Uint8Array([1]), repeated: () => new Error('an earlier call has the key') };
    const once = { ...call, ...reply, begin: () => undefined, run: <T>(run: () => Promise<T>) => run() };
    const outcomes = createOutcomeStore(database);
    const work = () => Promise.resolve('done');
    await expect(database.transaction(work, { ...refused, once })).rejects.toThrow(CommitOutcomeUnknown);
    // PostgreSQL may not have come to that statement yet.
    const claims = async () => (await database.query('SELECT FROM call_outcomes')).length;
    await eventually('the key is claimed', async () => (await claims()) === 1);
    expect(await outcomes.find(call)).toBeUndefined();
    await expect(database.transaction(work, { once })).resolves.toBe('done');
    expect(await outcomes.find(call)).toBeDefined();
    await expect(database.transaction(work, { once })).rejects.toThrow('an earlier call');
    await outcomes.close();
  });

  it.each([
    ['FEHLER', '57014', CommitOutcomeUnknown],
    ['FATAL', '57P01', DatabaseUnavailable],
  ])('is known by its code, as a server says %s in its own language', async (severity, code, expected) => {
    const refusal = Object.assign(new Error('no'), { severity, code, routine: 'ProcessInterrupts' });
    await expect(over(refusal).transaction(sum)).rejects.toHaveProperty('name', expected.name);
  });

  it('fails once, also if its work throws at once', async () => {
    const throwing = over(new Error('Connection terminated')).transaction(() => {
      throw new Error('at once');
    });
    await expect(throwing).rejects.toThrow('at once');
    await yieldToEventLoop(); // a rejection that is not handled would fail this test
  });

  it('says why if it only reads', async () => {
    const reading = database.transaction(sum, { ...refused, readOnly: true });
    await expect(reading).rejects.toThrow('syntax error');
  });
});

it('nothing runs outside of a transaction, however soon its caller leaves', async () => {
  const pool = new Pool({ connectionString: url, pipeline: true, max: 1 });
  let leave = async () => {};
  const connect = async () => {
    const client = await pool.connect();
    void leave();
    return client;
  };
  const leaver = overPool({ connect });
  for (let after = 0; after < 40; after += 1) {
    const leaving = new AbortController();
    leave = async () => {
      for (let task = 0; task < after; task += 1) await undefined;
      leaving.abort(new Error('left'));
    };
    const update = (transaction: Transaction) =>
      transaction.query('UPDATE account SET amount = 1', [], { signal: new AbortController().signal });
    await expect(leaver.transaction(update, { signal: leaving.signal })).rejects.toThrow('left');
  }
  await pool.end();
  expect(await sum(database)).toBe('0');
});

describe('a caller that leaves', () => {
  it('before the commit is sent has no effect, also while a statement runs', async () => {
    const leaving = new AbortController();
    const left = postgres.pool({ url, abortGraceMs: 300_000 }).transaction(
      async ({ query }) => {
        await query('UPDATE account SET amount = 1 WHERE id = 1');
        setImmediate(() => leaving.abort(new Error('left')));
        for (const sql of ['TABLE account', 'UPDATE account SET amount = 1 WHERE id = 2'])
          query(sql).catch(() => undefined);
      },
      { signal: leaving.signal },
    );
    await expect(left).rejects.toThrow('left');
    expect(await sum(database)).toBe('0');
  });

  it('after the commit is sent learns what became of it, also while the statement before runs', async () => {
    const leaving = new AbortController();
    const left = postgres.pool({ url, abortGraceMs: 1 }).transaction(
      async ({ query }) => {
        await query('UPDATE account SET amount = 1');
        setTimeout(() => leaving.abort(new Error('left')), 10);
        query('SELECT pg_sleep(0.1)', [], { pipelined: true }).catch(() => undefined);
        return 'done';
      },
      { signal: leaving.signal },
    );
    await expect(left).resolves.toBe('done');
    expect(await sum(database)).toBe('2');
  });

  it('while a transaction begins leaves the connection to others', async () => {
    const pool = new Pool({ connectionString: url, pipeline: true, max: 1 });
    const removed: unknown[] = [];
    pool.on('remove', (client) => removed.push(client));
    const leaving = new AbortController();
    const leave = async () => leaving.abort(new Error('left'));
    const left = overPool(pool, { abortGraceMs: 300_000 }).transaction(leave, { signal: leaving.signal });
    await expect(left).rejects.toThrow('left');
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect(removed).toEqual([]);
    await pool.end();
  });
});

it("a commit of several hosts that isn't answered, nor the statement before it, keeps its connection until it ends", async () => {
  const answers = [deferred(), deferred()];
  let [sent, released] = [0, 0];
  const client = Object.assign(new EventEmitter(), {
    pipeline: true,
    query: () => answers[sent++]?.promise,
    release: () => (released += 1),
  });
  const connection = await acquire(
    {
      pool: { connect: async () => client as never },
      hosts: new Hosts('postgres://127.0.0.1:1,127.0.0.1:2/none'),
      generations: new Generations(() => undefined),
      abortGraceMs: 0,
      onAnswer: () => undefined,
      closing: new AbortController().signal,
    },
    {},
  );
  const bounds = { timeoutMs: 10, mayCommit: true, pipelined: true };
  const left = await Promise.allSettled(['UPDATE', 'COMMIT'].map((sql) => connection.run(sql, [], bounds)));
  expect(left.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  for (const [at, answer] of answers.entries()) {
    answer.resolve();
    await yieldToEventLoop();
    expect(released).toBe(at); // not before the last
  }
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
