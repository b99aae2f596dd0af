import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createPool, type Database, requirePreparedTransactions, UniqueViolation } from './index.js';
import { startTestPostgres, type TestPostgres } from './testing/index.js';

let postgres: TestPostgres;
let database: Database;
let url: string;

beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  url = await postgres.createDatabase();
  database = createPool({ url });
  await database.query('CREATE TABLE things (name text PRIMARY KEY)');
});

const things = async () => (await database.query<{ name: string }>('SELECT name FROM things')).map(({ name }) => name);
const put = (gid: string, name: string) =>
  database.prepare(gid, async (transaction) => {
    await transaction.query('INSERT INTO things VALUES ($1)', [name]);
    return name;
  });

describe('a prepared transaction', () => {
  it('is invisible until any connection commits it once', async () => {
    await expect(put('a:1', 'one')).resolves.toBe('one');
    expect(await things()).toEqual([]);
    await database.close();
    database = createPool({ url });
    expect(await database.listPrepared('a:')).toEqual([{ gid: 'a:1', prepareTime: expect.any(Date) }]);
    expect(await database.listPrepared('b:')).toEqual([]);
    expect(await database.commitPrepared('a:1')).toBe(true);
    expect(await things()).toEqual(['one']);
    expect([await database.commitPrepared('a:1'), await database.rollbackPrepared('a:1')]).toEqual([false, false]);
    await database.close();
  });

  it('is undone by a rollback, and ended once by concurrent calls', async () => {
    await put('a:2', 'two');
    const ends = await Promise.all(Array.from({ length: 6 }, () => database.rollbackPrepared('a:2')));
    expect(ends.filter(Boolean)).toHaveLength(1);
    expect([await things(), await database.listPrepared('')]).toEqual([[], []]);
    await database.close();
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
    await database.close();
  });

  it('belongs to its database only', async () => {
    await put('a:5', 'five');
    const other = createPool({ url: await postgres.createDatabase() });
    expect(await other.listPrepared('')).toEqual([]);
    await database.rollbackPrepared('a:5');
    await Promise.all([other.close(), database.close()]);
  });
});

it('says what to do about a server without prepared transactions', async () => {
  await expect(requirePreparedTransactions(database)).resolves.toBeUndefined();
  const off = { ...database, one: async <Row extends object>() => ({ slots: 0 }) as unknown as Row };
  await expect(requirePreparedTransactions(off)).rejects.toThrow(
    /max_prepared_transactions .* is 0.*ALTER SYSTEM SET max_prepared_transactions = 64.*restart that server/,
  );
  await database.close();
});
