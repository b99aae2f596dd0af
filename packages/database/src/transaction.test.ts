import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { deferred } from '../../rpc/test/support/wait.js';
import { filePostgres } from '../test/postgres.js';
import { SerializationFailure, UniqueViolation } from './errors.js';
import { requirePreparedTransactions } from './prepared.js';
import type { Database, Queries, Transaction } from './sql.js';
import { clockIsShifted } from './testing/test-postgres.js';

const postgres = filePostgres();

describe('transaction', () => {
  let database: Database;

  beforeAll(async () => {
    database = postgres.pool({ url: await postgres.createDatabase() });
    await database.query('CREATE TABLE account (id int PRIMARY KEY, amount int8 NOT NULL)');
  });

  beforeEach(async () => {
    await database.query('TRUNCATE account');
    await database.query('INSERT INTO account VALUES (1, 0), (2, 0)');
  });

  const sum = async (queries: Pick<Transaction, 'one'>) =>
    (await queries.one<{ sum: string }>('SELECT sum(amount) FROM account')).sum;

  /** A barrier: resolves once `parties` callers have arrived. Later callers pass. */
  function meetingOf(parties: number): () => Promise<void> {
    let arrived = 0;
    const gate = deferred();
    return () => {
      arrived += 1;
      if (arrived === parties) gate.resolve();
      return gate.promise;
    };
  }

  /** Two concurrent calls cause a write skew: each reads what the other writes. */
  function skew(meet: () => Promise<void>, id: number, attempts: number) {
    let runs = 0;
    const outcome = database.transaction(
      async (transaction) => {
        runs += 1;
        const total = await sum(transaction);
        await meet();
        await transaction.query('UPDATE account SET amount = $1 WHERE id = $2', [BigInt(total) + 1n, id]);
      },
      { isolation: 'serializable', attempts },
    );
    return outcome.then(() => runs);
  }

  it('commits what its function did', async () => {
    await database.transaction((transaction) => transaction.query('UPDATE account SET amount = 5'));
    expect(await sum(database)).toBe('10');
  });

  it('rolls back when its function rejects', async () => {
    const failing = database.transaction(async (transaction) => {
      await transaction.query('UPDATE account SET amount = 5');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await sum(database)).toBe('0');
  });

  it('runs again after a serialization failure', async () => {
    const meet = meetingOf(2);
    const runs = await Promise.all([skew(meet, 1, 5), skew(meet, 2, 5)]);
    expect(runs.toSorted()).toEqual([1, 2]);
    expect(await sum(database)).toBe('3'); // one saw 0 and wrote 1, the other then saw 1 and wrote 2
  });

  it('gives up after the allowed attempts', async () => {
    const meet = meetingOf(2);
    const outcomes = await Promise.allSettled([skew(meet, 1, 1), skew(meet, 2, 1)]);
    const lost = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(lost).toHaveLength(1);
    expect(lost[0]).toBeInstanceOf(SerializationFailure);
  });

  (clockIsShifted ? it.skip : it)('runs again after a deadlock', async () => {
    const meet = meetingOf(2);
    const inOrder = (first: number, second: number) =>
      database.transaction(async (transaction) => {
        const add = (id: number) => transaction.query('UPDATE account SET amount = amount + 1 WHERE id = $1', [id]);
        await add(first);
        await meet();
        await add(second);
      });
    await Promise.all([inOrder(1, 2), inOrder(2, 1)]);
    expect(await sum(database)).toBe('4');
  });

  describe('when concurrent transactions win repeatedly', () => {
    // A sequence is never rolled back, so it counts the attempts.
    const losing = (wins: number) => `
      CREATE OR REPLACE FUNCTION lose() RETURNS bigint LANGUAGE plpgsql AS $$
      BEGIN
        IF nextval('attempts') <= ${wins} THEN RAISE EXCEPTION 'lost' USING ERRCODE = 'serialization_failure'; END IF;
        RETURN currval('attempts');
      END $$`;
    beforeEach(() => database.query('CREATE SEQUENCE attempts'));
    afterEach(() => database.query('DROP SEQUENCE attempts'));

    it('repeats a statement outside of a transaction, which took no effect', async () => {
      await database.query(losing(3));
      await expect(database.one('SELECT lose() AS attempt')).resolves.toEqual({ attempt: 4n });
    });

    it('stops at its deadline', async () => {
      await database.query(losing(1_000_000));
      const deadline = new AbortController();
      const bounds = { signal: deadline.signal, attempts: 1_000_000 };
      const lost = database.transaction((transaction) => transaction.query('SELECT lose()'), bounds);
      const ended = lost.then(() => true).catch(() => true);
      const attempts = async () =>
        (await database.one<{ last_value: bigint }>('SELECT last_value FROM attempts')).last_value;
      while ((await attempts()) < 2n) if (await Promise.race([ended, false])) break;
      deadline.abort(new DOMException('out of time', 'TimeoutError'));
      await expect(lost).rejects.toMatchObject({ name: 'TimeoutError' });
      expect(await attempts()).toBeGreaterThan(1n);
    });
  });

  it('rejects if the error of a statement was swallowed', async () => {
    const swallowing = database.transaction(async (transaction) => {
      await transaction.query('UPDATE account SET amount = 5');
      await expect(transaction.query('INSERT INTO account VALUES (1, 1)')).rejects.toBeInstanceOf(UniqueViolation);
    });
    await expect(swallowing).rejects.toBeInstanceOf(UniqueViolation);
    expect(await sum(database)).toBe('0');
  });

  it('may continue after a rollback to a savepoint', async () => {
    await database.transaction(async (transaction) => {
      await transaction.query('UPDATE account SET amount = 5');
      await transaction.query('SAVEPOINT before');
      await expect(transaction.query('INSERT INTO account VALUES (1, 1)')).rejects.toBeInstanceOf(UniqueViolation);
      await transaction.query('ROLLBACK TO before');
    });
    expect(await sum(database)).toBe('10');
  });

  it('is unusable once it has ended', async () => {
    const escaped = await database.transaction(async (transaction) => transaction);
    await expect(escaped.query('SELECT 1')).rejects.toThrow('has ended');
  });

  it('runs no statement outside of the transaction during the rollback', async () => {
    let late: Promise<unknown> = Promise.resolve();
    const failing = database.transaction(async (transaction) => {
      const afterTheFailure = async () => {
        // The ROLLBACK is sent within the first few microtasks, and its answer comes over the network.
        for (let task = 0; task < 100; task += 1) await undefined;
        await transaction.query('UPDATE account SET amount = 5');
      };
      late = afterTheFailure();
      await Promise.all([late, Promise.reject(new Error('no'))]);
    });
    await expect(failing).rejects.toThrow('no');
    await expect(late).rejects.toThrow('this transaction has ended');
    expect(await sum(database)).toBe('0');
  });
});

describe('a prepared transaction', () => {
  let database: Database;
  let url: string;

  beforeEach(async () => {
    url = await postgres.createDatabase();
    database = postgres.pool({ url });
    await database.query('CREATE TABLE things (name text PRIMARY KEY)');
  });

  const things = async () =>
    (await database.query<{ name: string }>('SELECT name FROM things')).map(({ name }) => name);
  const put = (gid: string, name: string) =>
    database.prepare(gid, async (transaction) => {
      await transaction.query('INSERT INTO things VALUES ($1)', [name]);
      return name;
    });

  it('is invisible until any connection commits it once', async () => {
    await expect(put('a:1', 'one')).resolves.toBe('one');
    expect(await things()).toEqual([]);
    await database.close();
    database = postgres.pool({ url });
    expect(await database.listPrepared('a:')).toEqual([{ gid: 'a:1', prepareTime: expect.any(Date) }]);
    expect(await database.listPrepared('b:')).toEqual([]);
    expect(await database.commitPrepared('a:1')).toBe(true);
    expect(await things()).toEqual(['one']);
    expect([await database.commitPrepared('a:1'), await database.rollbackPrepared('a:1')]).toEqual([false, false]);
  });

  it('is undone by a rollback, and ended once by concurrent calls', async () => {
    await put('a:2', 'two');
    const ends = await Promise.all(Array.from({ length: 6 }, () => database.rollbackPrepared('a:2')));
    expect(ends.filter(Boolean)).toHaveLength(1);
    expect([await things(), await database.listPrepared('')]).toEqual([[], []]);
  });

  it('is not prepared if its work fails, or if a failure was swallowed', async () => {
    await put('a:3', 'three');
    await database.commitPrepared('a:3');
    await expect(put('a:4', 'three')).rejects.toBeInstanceOf(UniqueViolation);
    const swallowing = database.prepare('a:4', (transaction) =>
      transaction.query(`INSERT INTO things VALUES ('three')`).catch(() => []),
    );
    await expect(swallowing).rejects.toBeInstanceOf(UniqueViolation);
    await expect(put("a'", 'x')).rejects.toThrow(`"a'" can't name a prepared transaction`);
    expect(await database.listPrepared('')).toEqual([]);
  });

  it('belongs to its database only', async () => {
    await put('a:5', 'five');
    const other = postgres.pool({ url: await postgres.createDatabase() });
    expect(await other.listPrepared('')).toEqual([]);
    await database.rollbackPrepared('a:5');
  });

  it('says what to do about a server without prepared transactions', async () => {
    await expect(requirePreparedTransactions(database)).resolves.toBeUndefined();
    const off = { ...database, one: async <Row extends object>() => ({ slots: 0 }) as unknown as Row };
    await expect(requirePreparedTransactions(off)).rejects.toThrow(
      /max_prepared_transactions .* is 0.*ALTER SYSTEM SET max_prepared_transactions = 64.*restart that server/,
    );
  });
});

describe('a plan that a migration outdated', () => {
  const CONNECTIONS = 6;

  let admin: Database;
  let database: Database;

  beforeEach(async () => {
    const url = await postgres.createDatabase();
    admin = postgres.pool({ url, maxConnections: 1 });
    await admin.query('CREATE TABLE item (id int PRIMARY KEY, price numeric(24, 0) NOT NULL)');
    await admin.query('INSERT INTO item (id, price) VALUES (1, 100)');
    database = postgres.pool({ url, maxConnections: CONNECTIONS });
  });

  /** Selects the whole row on purpose: an added column changes the result. */
  const find = (queries: Queries) => queries.one('SELECT * FROM item WHERE id = 1', [], { name: 'find_item' });
  const backend = async (queries: Queries) =>
    (await queries.one<{ pid: number }>('SELECT pg_backend_pid() AS pid')).pid;

  /** Runs `work` on every connection of the pool; none is returned before all are taken. */
  async function onAll<T>(work: (queries: Queries) => Promise<T>): Promise<readonly T[]> {
    let taken = 0;
    const all = deferred();
    const one = () =>
      database.transaction(async (transaction) => {
        const result = await work(transaction);
        taken += 1;
        if (taken >= CONNECTIONS) all.resolve();
        await all.promise;
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
    await expect(database.query('SELECT count(*) FROM item FOR UPDATE')).rejects.not.toBeInstanceOf(
      SerializationFailure,
    );
    expect(await backend(database)).toBe(pid);
  });
});
