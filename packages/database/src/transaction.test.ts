import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createPool, type Database, SerializationFailure, type Transaction, UniqueViolation } from './index.js';
import { clockIsShifted, startTestPostgres, type TestPostgres } from './testing/index.js';

let server: TestPostgres;
let database: Database;

beforeAll(async () => {
  server = await startTestPostgres();
  database = createPool({ url: await server.createDatabase() });
  await database.query('CREATE TABLE account (id int PRIMARY KEY, amount int8 NOT NULL)');
});

beforeEach(async () => {
  await database.query('TRUNCATE account');
  await database.query('INSERT INTO account VALUES (1, 0), (2, 0)');
});

afterAll(async () => {
  await database.close();
  await server.stop();
});

const sum = async (queries: Pick<Transaction, 'one'>) =>
  (await queries.one<{ sum: string }>('SELECT sum(amount) FROM account')).sum;

/** A barrier: resolves once `parties` callers have arrived. Later callers pass. */
function meetingOf(parties: number): () => Promise<void> {
  let arrived = 0;
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  return () => {
    arrived += 1;
    if (arrived === parties) open();
    return gate;
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

describe('transaction', () => {
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
      const deadline = { signal: AbortSignal.timeout(200), attempts: 1_000_000 };
      const lost = database.transaction((transaction) => transaction.query('SELECT lose()'), deadline);
      await expect(lost).rejects.toMatchObject({ name: 'TimeoutError' });
      const { last_value } = await database.one<{ last_value: bigint }>('SELECT last_value FROM attempts');
      expect(last_value).toBeGreaterThan(1n);
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

  it('runs its statements one after another, even if they are sent at once', async () => {
    const rows = await database.transaction((transaction) =>
      Promise.all([1, 2, 3].map((n) => transaction.one<{ n: number }>('SELECT $1::int AS n', [n]))),
    );
    expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });
});
