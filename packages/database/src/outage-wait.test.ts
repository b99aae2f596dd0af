import { setMaxListeners } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Connection } from './connection.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded/start.js';
import { CommitOutcomeUnknown, DatabaseUnavailable, KeyInUse, LockTimeout, TooManyCalls } from './errors.js';
import { LockWaiter } from './lock-wait.js';
import { OutageWaiter } from './outage-wait.js';
import { createPool } from './pool.js';
import type { Database, QueryOptions } from './sql.js';
import { freePort } from './testing/test-postgres.js';
import { runTransaction } from './transaction.js';

const settings = { fsync: false, synchronous_commit: false, full_page_writes: false };
const directory = mkdtempSync(join(tmpdir(), 'rondo-test-outage-'));
let server: EmbeddedPostgres;
let database: Database;

const start = async (port: number) => startEmbeddedPostgres({ directory, port, settings });
/** Longer than a test may take. */
const timeoutMs = 3_600_000;
const lasting = { outageWait: { timeoutMs, repeatable: false } };
const repeating = { outageWait: { timeoutMs, repeatable: true } };

beforeAll(async () => {
  chmodSync(directory, 0o755); // as root the server is another user
  server = await start(await freePort());
  database = createPool({ url: server.url });
  await database.transaction((transaction) =>
    transaction.script(`
      CREATE TABLE item (id int PRIMARY KEY);
      CREATE SEQUENCE tries;
      -- Ends its own connection on the first call.
      CREATE FUNCTION die() RETURNS int LANGUAGE plpgsql AS $$
        BEGIN
          IF nextval('tries') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); END IF;
          RETURN 1;
        END $$;
      CREATE FUNCTION die_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM die(); RETURN NULL; END $$;
      CREATE TABLE doomed (id int);
      CREATE CONSTRAINT TRIGGER doom AFTER INSERT ON doomed DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION die_at_commit();`),
  );
});

/** Makes the next call of `die` the first. */
const reset = () => database.query("SELECT setval('tries', 1, false)");
beforeEach(reset);

afterAll(async () => {
  await database.close();
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

const count = async (table: 'item' | 'doomed') =>
  (await database.one<{ count: bigint }>(`SELECT count(*) FROM ${table}`)).count;

const addDoomed = (options: QueryOptions) =>
  database.transaction((transaction) => transaction.query('INSERT INTO doomed VALUES (1)'), options);

describe('a database that goes away', () => {
  it('makes statements and transactions wait with an outage wait, and fail at once without', async () => {
    await server.stop();
    await expect(database.query('SELECT 1')).rejects.toThrow(DatabaseUnavailable);
    const waiting = [
      database.query('SELECT 1', [], lasting),
      database.transaction((transaction) => transaction.query('INSERT INTO item VALUES (1)'), lasting),
    ];
    const began = performance.now();
    await expect(database.query('SELECT 1', [], { outageWait: { timeoutMs: 300, repeatable: true } })).rejects.toThrow(
      DatabaseUnavailable,
    );
    expect(performance.now() - began).toBeGreaterThan(280);
    server = await start(server.port);
    expect(await Promise.all(waiting)).toHaveLength(2);
    expect(await count('item')).toBe(1n);
  });

  it('bounds the number of waiting calls, and their signal or a closed pool ends the wait', async () => {
    const away = createPool({ url: `postgres://unknown@127.0.0.1:${await freePort()}/none` });
    const caller = new AbortController();
    setMaxListeners(0, caller.signal);
    const calls = Array.from({ length: 1_001 }, () =>
      away.query('SELECT 1', [], { ...lasting, signal: caller.signal }).catch((error: unknown) => error),
    );
    // A thousand wait: one is refused, and no other in the time that it would take.
    const refused = await Promise.race(calls);
    expect(refused).toBeInstanceOf(DatabaseUnavailable);
    await pause(100);
    const reason = new Error('the caller left');
    caller.abort(reason);
    const ended = await Promise.all(calls);
    expect(ended.filter((error) => error !== reason)).toEqual([refused]);
    const last = expect(away.query('SELECT 1', [], lasting)).rejects.toThrow(DatabaseUnavailable);
    await pause(100);
    await away.close();
    await last;
  });
});

it('makes calls that are in each other’s way while they catch up fail because of the database', async () => {
  const waiter = new OutageWaiter(async () => undefined);
  const inTheWay = [LockTimeout, KeyInUse, TooManyCalls].map((Fault) => new Fault('others'));
  for (const fault of inTheWay) await expect(waiter.run(() => Promise.reject(fault), {})).rejects.toBe(fault);
  let isAway = true;
  const first = async () => {
    if (isAway) throw new DatabaseUnavailable('away');
  };
  const waiting = waiter.run(first, lasting);
  isAway = false;
  await waiting;
  for (const fault of inTheWay)
    await expect(waiter.run(() => Promise.reject(fault), {})).rejects.toMatchObject({
      name: 'DatabaseUnavailable',
      message: 'PostgreSQL was away, and calls wait since then: others',
    });
});

it('makes calls that wait for each other after an outage go on waiting until their own time is over', async () => {
  const waiter = new OutageWaiter(async () => undefined);
  const faults: Error[] = [new DatabaseUnavailable('away'), new TooManyCalls('no turn'), new TooManyCalls('no turn')];
  const work = async () => {
    const fault = faults.shift();
    if (fault !== undefined) throw fault;
    return 'done';
  };
  await expect(waiter.run(work, lasting)).resolves.toBe('done');
  const refused = () => Promise.reject(new TooManyCalls('no turn'));
  const brief = { outageWait: { timeoutMs: 100, repeatable: false } };
  await expect(waiter.run(refused, brief)).rejects.toThrow(DatabaseUnavailable);
});

it('lets a prepared transaction that waits for a row after an outage fail because of the database', async () => {
  const impatient = createPool({ url: server.url, lockTimeoutMs: 100 });
  await database.transaction(async (holder) => {
    await holder.query('LOCK TABLE item');
    const prepare = () => impatient.prepare('outage', (other) => other.query('SELECT FROM item'));
    await expect(prepare()).rejects.toThrow(LockTimeout);
    let isAway = true;
    await impatient.outage.run(async () => {
      if (isAway) {
        isAway = false;
        throw new DatabaseUnavailable('away');
      }
    }, lasting);
    await expect(prepare()).rejects.toThrow(DatabaseUnavailable);
  });
  await impatient.close();
});

describe('a connection that breaks', () => {
  it('before the commit makes a transaction run again, and it takes effect once', async () => {
    let runs = 0;
    const work = database.transaction(async (transaction) => {
      runs += 1;
      await transaction.query('INSERT INTO item VALUES (2)');
      await transaction.query('SELECT die()');
    }, lasting);
    await work;
    expect(runs).toBe(2);
    expect(await count('item')).toBe(2n);
  });

  it('during the commit leaves its outcome unknown, unless the work may be repeated', async () => {
    await expect(addDoomed(lasting)).rejects.toThrow(CommitOutcomeUnknown);
    await expect(addDoomed({})).resolves.toEqual([]);
    await reset();
    await addDoomed(repeating);
    expect(await count('doomed')).toBe(2n);
  });

  it('during the commit of a transaction that only reads leaves no outcome unknown', async () => {
    const broken = new DatabaseUnavailable('Connection terminated unexpectedly');
    const connection = {
      begin: async () => undefined,
      run: (sql: string) => (sql === 'COMMIT' ? Promise.reject(broken) : Promise.resolve({ rows: [] })),
      abandon: () => undefined,
      release: () => undefined,
    } as unknown as Connection;
    const context = { acquire: async () => connection, boundMs: () => 0, statementTimeoutMs: 0, abortGraceMs: 0 };
    const run = (readOnly: boolean) =>
      runTransaction({ ...context, locks: new LockWaiter(0, 1) }, async () => undefined, { readOnly });
    await expect(run(false)).rejects.toThrow(CommitOutcomeUnknown);
    await expect(run(true)).rejects.toBe(broken);
  });

  it('during a statement outside of a transaction does the same', async () => {
    await expect(database.query('SELECT die()', [], lasting)).rejects.toThrow(CommitOutcomeUnknown);
    await reset();
    await expect(database.query('SELECT die()', [], {})).rejects.toThrow(CommitOutcomeUnknown);
    await reset();
    expect(await database.query('SELECT die()', [], repeating)).toEqual([{ die: 1 }]);
  });
});
