import { afterEach, describe, expect, it } from '@jest/globals';
import { listen } from './listen.js';
import { createPool, type PoolOptions } from './pool.js';
import { replicationFaults } from './replication.js';
import type { Database } from './sql.js';
import { startTestCluster, type TestCluster } from './testing/test-cluster.js';
import { eventually } from './testing/test-postgres.js';

const WAIT = { outageWait: { timeoutMs: 120_000, repeatable: true } };

let cluster: TestCluster;
let pools: Database[] = [];

/** A cluster with a table of numbers. */
async function start(synchronous: boolean): Promise<void> {
  cluster = await startTestCluster({ synchronous });
  await open({ url: cluster.primary.url }).query('CREATE TABLE numbers (number int PRIMARY KEY)');
}

function open(options: Partial<PoolOptions> = {}): Database {
  const pool = createPool({ url: cluster.url, ...options });
  pools.push(pool);
  return pool;
}

afterEach(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  pools = [];
  await cluster.stop();
});

const insert = (queries: Pick<Database, 'query'>, number: number, options = {}) =>
  queries.query('INSERT INTO numbers VALUES ($1) ON CONFLICT DO NOTHING', [number], options);
const numbersOf = async (database: Database) =>
  (await database.query<{ number: number }>('SELECT number FROM numbers ORDER BY number', [], WAIT)).map(
    ({ number }) => number,
  );

/** Writes numbers in turn until `stop`, which resolves to those whose commits were acknowledged. */
function writer(database: Database) {
  const acknowledged: number[] = [];
  let stopped = false;
  const work = async (first: number): Promise<void> => {
    for (let number = first; !stopped; number += 4) {
      await database.transaction((transaction) => insert(transaction, number), {
        ...WAIT,
      });
      acknowledged.push(number);
    }
  };
  const working = Promise.all([0, 1, 2, 3].map(work));
  return {
    acknowledged,
    stop: async () => {
      stopped = true;
      await working;
      return acknowledged;
    },
  };
}

describe('a primary with a synchronous standby', () => {
  it('is killed: the pool finds the standby once it is promoted, and no acknowledged write is lost', async () => {
    await start(true);
    const pool = open();
    await expect(replicationFaults(pool)).resolves.toEqual([]);
    const { acknowledged, stop } = writer(pool);
    await eventually('some are written', () => acknowledged.length > 50);
    await cluster.primary.kill();
    const before = acknowledged.length;
    await cluster.promote();
    await eventually('more are written', () => acknowledged.length > before + 4);
    const written = await stop();
    expect(await numbersOf(pool)).toEqual(expect.arrayContaining(written));
  });

  it('is frozen, and thawed after the promotion: its connections are closed, and it is not believed again', async () => {
    await start(true);
    // No statement of its own time limit frees a connection.
    const pool = open({ maxConnections: 4, statementTimeoutMs: 300_000 });
    const { acknowledged, stop } = writer(pool);
    await eventually('some are written', () => acknowledged.length > 50);
    cluster.primary.freeze();
    await cluster.promote();
    const before = acknowledged.length;
    await eventually('more are written', () => acknowledged.length > before + 4);
    cluster.primary.thaw();
    await open({ url: cluster.primary.url }).check();
    await eventually('more are written', () => acknowledged.length > before + 50);
    const written = await stop();
    expect(await numbersOf(open({ url: cluster.standby.url }))).toEqual(expect.arrayContaining(written));
    // A connection that begins with the first host doesn't believe it either.
    const received: string[] = [];
    const listening = await listen({
      url: cluster.url,
      channel: 'news',
      onNotification: (text) => received.push(text),
    });
    await pool.query("SELECT pg_notify('news', 'from the new primary')");
    await eventually('it is heard', () => received.length > 0);
    await listening.close();
  });
});

describe('a primary that goes on after its synchronous standby is promoted', () => {
  it('waits for it, and its commits are repeated by the new primary', async () => {
    await start(true);
    const pool = open({ statementTimeoutMs: 300_000 });
    const { acknowledged, stop } = writer(pool);
    await pool.prepare('in-doubt', (transaction) => insert(transaction, 1_000_003));
    await eventually('some are written', () => acknowledged.length > 50);
    await cluster.promote();
    const before = acknowledged.length;
    await eventually('more are written', () => acknowledged.length > before + 50);
    const written = await stop();
    await expect(pool.commitPrepared('in-doubt', WAIT)).resolves.toBe(true);
    const promoted = await numbersOf(open({ url: cluster.standby.url }));
    expect(promoted).toEqual(expect.arrayContaining([...written, 1_000_003]));
  });
});

describe('a standby that is promoted while commits that wait for it have all connections', () => {
  it('is found, also after the callers of these commits have left', async () => {
    await start(true);
    const pool = open({ statementTimeoutMs: 500, maxConnections: 2 });
    await pool.check();
    const admin = open({ url: cluster.primary.url });
    await admin.query("ALTER SYSTEM SET synchronous_standby_names = 'absent'");
    await admin.query('SELECT pg_reload_conf()');
    const isLeft = (number: number) =>
      insert(pool, number).then(
        () => false,
        ({ name }) => name === 'CommitOutcomeUnknown',
      );
    let number = 0;
    await eventually('commits wait', () => isLeft(++number));
    await expect(isLeft(++number)).resolves.toBe(true);
    await cluster.promote();
    // They have reached the standby, which doesn't confirm them.
    expect(await numbersOf(pool)).toContain(number);
  });
});

describe('a commit whose standby is frozen', () => {
  it('waits for it beyond the time limits of its callers, and is not seen before it is safe', async () => {
    await start(true);
    const pool = open({ statementTimeoutMs: 500, maxConnections: 3 });
    const observer = open();
    cluster.standby.freeze();
    const unknown = { name: 'CommitOutcomeUnknown' };
    await expect(pool.transaction((transaction) => insert(transaction, 1))).rejects.toMatchObject(unknown);
    await expect(insert(pool, 2)).rejects.toMatchObject(unknown);
    const waiting = "SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    await eventually('both go on waiting', async () => (await observer.query(waiting)).length === 2);
    expect(await numbersOf(observer)).toEqual([]);
    await expect(pool.check()).resolves.toBeUndefined();
    cluster.standby.thaw();
    await eventually('both are seen', async () => (await numbersOf(observer)).length === 2);
    await expect(Promise.all([1, 2, 3].map(() => pool.check()))).resolves.toHaveLength(3);
  });
});

describe('a primary whose synchronous standby is frozen', () => {
  it('commits for itself: the outcome is unknown, and a failover undoes it', async () => {
    await start(true);
    const database = open({ url: cluster.primary.url, statementTimeoutMs: 1_000 });
    await database.prepare('in-doubt', (transaction) => insert(transaction, 1));
    cluster.standby.freeze();
    const unknown = { name: 'CommitOutcomeUnknown' };
    const warned = { ...unknown, message: expect.stringContaining('no standby confirmed it') };
    await expect(database.commitPrepared('in-doubt')).rejects.toMatchObject(warned);
    await expect(database.transaction((transaction) => insert(transaction, 2))).rejects.toMatchObject(unknown);
    await expect(database.prepare('voted', (transaction) => insert(transaction, 3))).rejects.toMatchObject(unknown);
    const patient = open({ url: cluster.primary.url });
    const inserted = expect(insert(patient, 4)).rejects.toMatchObject(warned);
    const admin = open({ url: cluster.primary.url });
    const cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    await eventually('the wait is seen', async () =>
      /1 commits wait for a standby/.test((await replicationFaults(admin)).join()),
    );
    await eventually('the wait is cancelled', async () => (await admin.query(cancel)).length > 0);
    await inserted;
    await expect(database.transaction((transaction) => numbersOf({ ...database, ...transaction }))).resolves.toEqual([
      1, 2, 4,
    ]);
    await cluster.primary.kill();
    cluster.standby.thaw();
    await cluster.promote();
    const promoted = open({ url: cluster.standby.url });
    // The WAL may have reached the standby while it was frozen.
    const prepared = await promoted.listPrepared('in-doubt');
    expect((await numbersOf(promoted)).includes(1)).toBe(prepared.length === 0);
  });
});

describe('a primary with an asynchronous standby', () => {
  it('loses acknowledged writes when the standby is promoted: the control of the tests above', async () => {
    await start(false);
    const pool = open();
    await pool.query('CREATE ROLE sales LOGIN');
    await pool.query('ALTER ROLE sales SET synchronous_commit = off');
    const lost = expect.stringMatching(/^replication is asynchronous, so a failover loses acknowledged writes/);
    const own = expect.stringMatching(/^synchronous_commit=off for sales: a failover loses/);
    await eventually('the standby is connected', async () => (await replicationFaults(pool)).length > 0);
    await expect(replicationFaults(pool)).resolves.toEqual([lost, own]);
    const asSales = pool.transaction(async (transaction) => {
      await transaction.query('SET LOCAL ROLE sales');
      return await replicationFaults(transaction);
    });
    await expect(asSales).resolves.toEqual([lost, own, expect.stringContaining('hidden from this role')]);
    cluster.standby.freeze();
    const written = Array.from({ length: 200 }, (_, number) => number);
    await pool.query('INSERT INTO numbers SELECT 1000 + number FROM generate_series(1, 300000) AS number');
    for (const number of written) await insert(pool, number);
    await cluster.primary.kill();
    cluster.standby.thaw();
    await cluster.promote();
    const found = new Set(await numbersOf(pool));
    expect(written.filter((number) => !found.has(number)).length).toBeGreaterThan(0);
  });
});
