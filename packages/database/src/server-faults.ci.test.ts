import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { deferred } from '../../rpc/test/support/wait.js';
import { filePostgres } from '../test/postgres.js';
import { CommitOutcomeUnknown, DatabaseUnavailable } from './errors.js';
import { migrate } from './migrate.js';
import type { Database, Transaction } from './sql.js';
import { clockIsShifted, eventually } from './testing/test-postgres.js';

const postgres = filePostgres();
let url: string;
let database: Database;

beforeAll(async () => {
  url = await postgres.createDatabase();
  database = postgres.pool({ url });
  await database.query('CREATE TABLE stock (taken int)');
});

beforeEach(async () => {
  await database.transaction((clean) => clean.script('TRUNCATE stock; INSERT INTO stock VALUES (0)'));
});

const take = (queries: Pick<Database, 'query'>) => queries.query('UPDATE stock SET taken = taken + 1');
const taken = async () => (await database.one<{ taken: number }>('SELECT taken FROM stock')).taken;

/** The fault of work that fails because the database is unavailable, and that took no effect for certain. */
async function unavailable(work: Promise<unknown>): Promise<void> {
  const error: unknown = await work.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(DatabaseUnavailable);
  expect(error).not.toBeInstanceOf(CommitOutcomeUnknown);
}

// With a shifted clock the server's timers don't fire.
(clockIsShifted ? describe.skip : describe)('a process that is frozen in a transaction', () => {
  const frozenUrl = () => url.replace(/idle_in_transaction_session_timeout=\d+/, 'application_name=frozen');
  let frozen: Database;
  const errors: unknown[] = [];
  beforeAll(() => {
    frozen = postgres.pool({
      url: frozenUrl(),
      idleTransactionTimeoutMs: 2_000,
      onError: (error) => errors.push(error),
    });
  });

  it.each<[string, (queries: Pick<Database, 'query'>) => Promise<unknown>]>([
    ['a statement', take],
    ['the commit', () => Promise.resolve()],
  ])('keeps no locks, and its transaction took no effect: it goes on with %s', async (_what, next) => {
    errors.length = 0;
    const [thawed, locked] = [deferred(), deferred()];
    const lost = unavailable(
      frozen.transaction(async (transaction) => {
        await take(transaction);
        locked.resolve();
        await thawed.promise;
        await next(transaction);
      }),
    );
    await Promise.race([locked.promise, lost]); // a busy machine may be too slow for its first statement
    await take(database);
    await eventually('the loss is noticed', () => errors.length > 0);
    thawed.resolve();
    expect(errors).toContainEqual(expect.objectContaining({ sqlState: '25P03' })); // the end of its socket may follow
    await lost;
    expect(await taken()).toBe(1);
  });

  it('keeps no other replica from migrating, also between statements outside of a transaction', async () => {
    const sql = '-- rondo:no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS stock_taken ON stock (taken);\n';
    const migrations = [{ name: '0001_index.sql', sql }];
    const [thawed, reached] = [deferred(), deferred()];
    const freezing = (transaction: Transaction): Transaction => ({
      ...transaction,
      async script(script, options) {
        if (!script.startsWith('CREATE INDEX')) return transaction.script(script, options);
        reached.resolve();
        await thawed.promise;
      },
    });
    const transaction: Database['transaction'] = (work, options) =>
      frozen.transaction((opened) => work(freezing(opened)), options);
    const lost = unavailable(migrate({ ...frozen, transaction }, { migrations }));
    await Promise.race([reached.promise, lost]);
    expect(await migrate(database, { migrations })).toEqual(['0001_index.sql']);
    thawed.resolve();
    await lost;
  });

  it('keeps what is prepared, what it reads and what runs long', async () => {
    const prepare = () =>
      frozen.prepare('rondo-voted', take).then(
        () => true,
        () => false,
      );
    await eventually('it is prepared, on a busy machine, too', prepare);
    const outageWait = { timeoutMs: 300_000, repeatable: false };
    const sleep = 'SELECT true AS done FROM pg_sleep(3)';
    const long = frozen.transaction((transaction) => transaction.one(sleep), { outageWait });
    const idle = frozen.transaction(async (transaction) => {
      const { pid } = await transaction.one<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const session = () => database.query('SELECT FROM pg_stat_activity WHERE pid = $1', [pid]);
      await eventually('its session is ended', async () => (await session()).length === 0);
    });
    const read = frozen.transaction(
      async (transaction) => {
        await transaction.query('SELECT FROM stock');
        await Promise.allSettled([idle, long]);
        return transaction.one('SELECT count(*)::int AS count FROM stock');
      },
      { readOnly: true },
    );
    await unavailable(idle);
    await expect(long).resolves.toEqual({ done: true });
    await expect(read).resolves.toEqual({ count: 1 });
    await expect(frozen.commitPrepared('rondo-voted')).resolves.toBe(true);
    expect(await taken()).toBe(1);
  });

  it('has three seconds by default, and what its address says', async () => {
    const standard = postgres.pool({ url: frozenUrl() });
    const setting = (pool: Database) =>
      pool.one("SELECT current_setting('idle_in_transaction_session_timeout') AS set");
    await expect(setting(standard)).resolves.toEqual({ set: '3s' });
    await expect(setting(database)).resolves.toEqual({ set: '5min' });
  });
});

describe('a server that only reads, as after a failover', () => {
  let admin: Database;
  let pool: Database;
  const becomes = (what: string) =>
    admin.transaction(async (transaction) => {
      await transaction.query('SET LOCAL transaction_read_only = off');
      await transaction.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} ${what}`);
    });
  beforeEach(async () => {
    admin = postgres.pool({ url, maxConnections: 1 });
    await becomes('SET default_transaction_read_only = on');
    pool = postgres.pool({ url, maxConnections: 2 });
    await pool.transaction(() => pool.check()); // both connections are open
  });
  afterEach(() => becomes('RESET default_transaction_read_only'));

  it.each<[string, () => Promise<unknown>]>([
    ['a statement', () => take(pool)],
    ['a transaction', () => pool.transaction(take)],
  ])('is unavailable, and no connection to it stays: %s', async (_what, work) => {
    await unavailable(work());
    await becomes('RESET default_transaction_read_only');
    await pool.transaction(async (transaction) => {
      await pool.query('INSERT INTO stock VALUES (1)');
      await transaction.query('INSERT INTO stock VALUES (1)');
    });
  });

  it('keeps what may wait waiting for the next server', async () => {
    const outageWait = { timeoutMs: 300_000, repeatable: false };
    const waiting = [
      pool.transaction(take, { outageWait }),
      pool.query('UPDATE stock SET taken = 9', [], { outageWait }),
    ];
    await unavailable(take(pool));
    await becomes('RESET default_transaction_read_only');
    await Promise.all(waiting);
  });

  it('is no outage for a transaction that may only read', async () => {
    await expect(pool.transaction(take, { readOnly: true })).rejects.toMatchObject({ code: '25006' });
  });
});

describe.each([
  ['a full disk', '53100'],
  ['a server without memory', '53200'],
])('%s', (_what, sqlState) => {
  it('is unavailable, and its connection is replaced before the next try', async () => {
    const pool = postgres.pool({ url, maxConnections: 1 });
    const backends = new Set<number>();
    const fail = (transaction: Pick<Database, 'query'>) =>
      transaction.query(`DO $$ BEGIN RAISE EXCEPTION 'none left' USING ERRCODE = '${sqlState}'; END $$`);
    await unavailable(fail(pool));
    const work = async (transaction: Pick<Database, 'query' | 'one'>) => {
      backends.add((await transaction.one<{ pid: number }>('SELECT pg_backend_pid() AS pid')).pid);
      if (backends.size < 3) await fail(transaction);
      await take(transaction);
    };
    await pool.transaction(work, { outageWait: { timeoutMs: 300_000, repeatable: false } });
    expect(backends.size).toBe(3);
    expect(await taken()).toBe(1);
  });
});
