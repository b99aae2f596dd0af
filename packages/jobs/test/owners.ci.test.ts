/** Jobs whose worker ends, is frozen, or loses its database. */
import { expect, it } from '@jest/globals';
import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import type { Database } from '@rondo/database';
import { silentLogger } from '@rondo/rpc/call';
import { createTestChannel, ManualClock } from '@rondo/rpc/testing';
import { type Attempt, LEASE_MS } from '../src/attempt.js';
import { createJobs, type Jobs } from '../src/exports/index.js';
import { claimHeads } from '../src/lanes.js';
import { beat, HEARTBEAT_MS } from '../src/owners.js';
import { claimJobs, insertJob } from '../src/store.js';
import { doAlone, doChore, eachWithDatabase, eventually, write } from './fixture.js';

let database: Database;
const { begin } = eachWithDatabase((own) => {
  database = own;
});

const effects = async () =>
  (await database.query<{ chore: string }>('SELECT chore FROM effects ORDER BY id')).map(({ chore }) => chore);

async function enqueue(jobs: Jobs, chore: string, method: typeof doChore | typeof doAlone = doChore) {
  await database.transaction((transaction) => jobs.enqueue(transaction, method, { request: { chore }, key: chore }));
  jobs.nudge();
}

/** The database of a process that can be cut off, as if it were frozen or had ended: its statements then wait. */
function cuttable(inner: Database) {
  let frozen: Promise<void> = Promise.resolve();
  let thaw = () => {};
  const cut = () => {
    frozen = new Promise((resolve) => (thaw = resolve));
  };
  const jobsDatabase: Database = {
    ...inner,
    query: (sql, ...rest) => frozen.then(() => inner.query(sql, ...rest)),
    one: (sql, ...rest) => frozen.then(() => inner.one(sql, ...rest)),
    maybeOne: (sql, ...rest) => frozen.then(() => inner.maybeOne(sql, ...rest)),
    transaction: (work, options) => frozen.then(() => inner.transaction(work, options)),
  };
  return { jobsDatabase, cut, thaw: () => thaw() };
}

it('a job whose worker is frozen begins elsewhere once its heartbeats are missing, and has one effect', async () => {
  const { jobsDatabase, cut, thaw } = cuttable(database);
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  let began = 0;
  const first = begin({
    jobsDatabase,
    chores: {
      async doAlone() {
        began += 1;
        await held;
        return {};
      },
    },
  });
  await enqueue(first, 'dishes', doAlone);
  await eventually(() => expect(began).toBe(1));
  let [resumed, finish] = [0, () => {}];
  const finished = new Promise<void>((resolve) => (finish = resolve));
  cut();
  const cutAt = performance.now();
  begin({
    chores: {
      async doAlone({ chore }) {
        resumed += 1;
        await finished;
        return write(database, chore);
      },
    },
  });
  await eventually(() => expect(resumed).toBe(1));
  expect(performance.now() - cutAt).toBeLessThan(LEASE_MS / 2);
  const stored = () => database.query('SELECT attempts, ends, failed FROM jobs');
  const running = [{ attempts: 2, ends: 0, failed: false }];
  expect(await stored()).toEqual(running);
  thaw();
  release(); // its call ends, and nothing is recorded
  await first.close();
  expect(await stored()).toEqual(running);
  finish();
  await eventually(async () => expect(await stored()).toEqual([]));
  expect(await effects()).toEqual(['dishes']);
});

it('a worker claims nothing before its first heartbeat', async () => {
  const before = begin();
  await before.close();
  await enqueue(before, 'dishes');
  const atHeartbeats: unknown[] = [];
  const jobsDatabase: Database = {
    ...database,
    async one<Row extends object>(...[sql, ...rest]: Parameters<Database['one']>) {
      for (let round = 0; round < 50; round += 1) await database.query('SELECT'); // a claim would be faster
      if (sql.includes('INTO job_owners')) atHeartbeats.push(...(await database.query('SELECT attempts FROM jobs')));
      return await database.one<Row>(sql, ...rest);
    },
  };
  begin({ jobsDatabase });
  await eventually(async () => expect(await effects()).toEqual(['dishes']));
  expect(atHeartbeats[0]).toEqual({ attempts: 0 });
});

it('a job that could not be settled is soon free, and has no second effect', async () => {
  let failing = true;
  const jobsDatabase: Database = {
    ...database,
    query: (sql, ...rest) =>
      failing && sql.startsWith('DELETE FROM jobs')
        ? Promise.reject(new Error('the connection has ended'))
        : database.query(sql, ...rest),
  };
  const jobs = begin({ jobsDatabase });
  await enqueue(jobs, 'dishes');
  await eventually(async () => expect(await effects()).toEqual(['dishes']));
  failing = false;
  await eventually(async () => expect(await database.query('SELECT FROM jobs')).toEqual([]));
  expect(await effects()).toEqual(['dishes']);
});

it('a job is soon free whose claim was stored without an answer', async () => {
  let failing = true;
  const jobsDatabase: Database = {
    ...database,
    async transaction(work, options) {
      const result = await database.transaction(work, options);
      const claimed = await database.query('SELECT FROM jobs WHERE claim IS NOT NULL');
      if (!failing || claimed.length === 0) return result;
      failing = false;
      throw new Error('the connection has ended');
    },
  };
  const jobs = begin({ jobsDatabase });
  await enqueue(jobs, 'dishes');
  await eventually(async () => expect(await effects()).toEqual(['dishes']));
  expect(failing).toBe(false);
  await eventually(async () => expect(await database.query('SELECT FROM jobs')).toEqual([]));
});

it('a worker at rest asks the database once in three seconds', async () => {
  const clock = new ManualClock();
  let statements = 0;
  const counted = <T>(work: () => T): T => {
    statements += 1;
    return work();
  };
  const jobsDatabase: Database = {
    ...database,
    query: (...args) => counted(() => database.query(...args)),
    one: (...args) => counted(() => database.one(...args)),
    maybeOne: (...args) => counted(() => database.maybeOne(...args)),
    transaction: (...args) => counted(() => database.transaction(...args)),
  };
  const services = [{ ...ChoreServiceDefinition, methods: { doChore, doAlone } }]; // a schedule would be looked for, too
  const jobs = createJobs({
    database: jobsDatabase,
    services,
    clock,
    log: silentLogger,
    channel: createTestChannel({ services: [] }),
  });
  await jobs.start();
  for (let second = 0; second < 60; second += 1) {
    await clock.advance(1_000);
    for (let round = 0; round < 20; round += 1) await database.query('SELECT'); // in which the worker's statement ends
  }
  await jobs.close();
  expect(statements).toBeGreaterThan(3);
  expect(statements).toBeLessThanOrEqual(26);
});

const METHOD = 'm.S/M';
const wanted = [{ method: METHOD, most: 5, maxRunning: null }];
const insert = (key: string) =>
  insertJob(database, { method: METHOD, key, request: Buffer.of(), at: undefined, traceparent: '' });
const claim = async (owner: string, here?: { methods: string[]; instance: string }) =>
  (await claimJobs(database, { wanted, claim: `${owner}-1`, ...(here && { here }) }, {})).attempts;
const passes = (ms: number, owner?: string) =>
  database.query(
    `UPDATE job_owners SET heartbeat = heartbeat - $1 * interval '1 ms', since = since - $1 * interval '1 ms'
     WHERE id = coalesce($2, id)`,
    [ms, owner ?? null],
  );
const claimed = () => database.query('SELECT key FROM jobs WHERE claim IS NOT NULL ORDER BY key');
const { dead } = HEARTBEAT_MS;

it('after an outage of the database no worker counts as ended before it could give a heartbeat', async () => {
  for (const owner of ['w1', 'w2']) await beat(database, { id: owner, held: [] });
  await insert('a');
  expect(await claim('w2')).toHaveLength(1);
  await passes(40_000); // in which none could be given
  expect(await beat(database, { id: 'w1', held: [] })).toMatchObject({ suspects: false });
  await passes(dead - 1_000);
  expect(await beat(database, { id: 'w1', held: [] })).toMatchObject({ suspects: false });
  expect(await claimed()).toEqual([{ key: 'a' }]);
  expect(await beat(database, { id: 'w2', held: [] })).toMatchObject({ suspects: false });
  await passes(dead - 1_000);
  expect(await beat(database, { id: 'w1', held: [] })).toMatchObject({ suspects: false }); // it sees again, and that the other lives
  expect(await claimed()).toEqual([{ key: 'a' }]);
  await passes(2_000, 'w2');
  expect(await beat(database, { id: 'w1', held: [] })).toMatchObject({ suspects: true });
  expect(await claimed()).toEqual([]);
});

it('one statement frees all jobs of a worker that has ended, and those that replace them; suspects stay suspects', async () => {
  for (const owner of ['w1', 'w2']) await beat(database, { id: owner, held: [] });
  for (const key of ['a', 'b', 'replaced']) await insert(key);
  expect(await claim('w2')).toHaveLength(3);
  await insert('replaced');
  await passes(dead + 1_000, 'w2');
  await database.query("UPDATE job_owners SET since = now() - interval '1 h' WHERE id = 'w1'");
  expect(await beat(database, { id: 'w1', held: [] })).toMatchObject({ suspects: true });
  const rows = await database.query(
    'SELECT key, ends, attempts, claim, due_time <= now() AS due, next_time FROM jobs ORDER BY key',
  );
  const free = { claim: null, due: true, next_time: null };
  expect(rows).toEqual([
    { key: 'a', ends: 0, attempts: 1, ...free },
    { key: 'b', ends: 0, attempts: 1, ...free },
    { key: 'replaced', ends: 0, attempts: 0, ...free },
  ]);
  await database.query("UPDATE jobs SET ends = 1, claim = '2.w3-1', due_time = now() + interval '1 h'");
  await beat(database, { id: 'w1', held: [] });
  expect((await database.query<Attempt>('SELECT ends FROM jobs')).map(({ ends }) => ends)).toEqual([1, 1, 1]);
});

it('a job that ran in the process of its worker is a suspect, unless it was replaced or the process is for suspects', async () => {
  for (const owner of ['w1', 'w2', 'w3']) await beat(database, { id: owner, held: [] });
  for (const key of ['a', 'replaced']) await insert(key);
  const methods = [METHOD];
  expect(await claim('w2', { methods, instance: 'two' })).toHaveLength(2);
  await insert('replaced');
  await database.query(
    "INSERT INTO job_quarantine (instance, owner, until, since) VALUES ('three', 'w1', now() + interval '1 h', now())",
  );
  await insert('elsewhere');
  expect(await claim('w3', { methods, instance: 'three' })).toHaveLength(1);
  for (const owner of ['w2', 'w3']) await passes(dead + 1_000, owner);
  await database.query("UPDATE job_owners SET since = now() - interval '1 h' WHERE id = 'w1'");
  await beat(database, { id: 'w1', held: [] });
  expect(await database.query('SELECT key, ends FROM jobs WHERE claim IS NULL ORDER BY key')).toEqual([
    { key: 'a', ends: 1 },
    { key: 'elsewhere', ends: 0 },
    { key: 'replaced', ends: 0 },
  ]);
});

it('a heartbeat sees when the next job or schedule of the methods is due, and whether a worker has a job', async () => {
  const see = async () => await beat(database, { id: 'w1', held: [], methods: [METHOD] });
  const at = new Date(Date.now() + 3_600_000);
  await insertJob(database, { method: 'm.S/Other', key: 'a', request: Buffer.of(), at: undefined, traceparent: '' });
  expect(await see()).toEqual({ suspects: false, isBusy: false, nextMs: null });
  await insertJob(database, { method: METHOD, key: 'a', request: Buffer.of(), at, traceparent: '' });
  const { nextMs } = await see();
  expect(Math.abs((nextMs ?? 0) - (at.getTime() - Date.now()))).toBeLessThan(600_000);
  await database.query("INSERT INTO job_schedules (method, cron, time_zone, next_time) VALUES ($1, '', '', now())", [
    METHOD,
  ]);
  expect((await see()).nextMs).toBeLessThanOrEqual(0);
  await database.query("UPDATE jobs SET claim = '2.w1-1'");
  expect(await see()).toMatchObject({ isBusy: true });
});

it('a job that another session locks keeps no worker from its heartbeat, and is freed later', async () => {
  for (const owner of ['w1', 'w2']) await beat(database, { id: owner, held: [] });
  for (const key of ['free', 'locked']) await insert(key);
  expect(await claim('w2')).toHaveLength(2);
  await passes(dead + 1_000, 'w2');
  await database.query("UPDATE job_owners SET since = now() - interval '1 h' WHERE id = 'w1'");
  await database.transaction(async (transaction) => {
    await transaction.query("SELECT FROM jobs WHERE key = 'locked' FOR UPDATE");
    expect(await beat(database, { id: 'w1', held: [] })).toMatchObject({ suspects: true });
    expect(await claimed()).toEqual([{ key: 'locked' }]);
  });
  await beat(database, { id: 'w1', held: [] });
  expect(await claimed()).toEqual([]);
});

it('jobs of workers that have ended are found by an index, however many wait', async () => {
  await database.query(
    "INSERT INTO jobs (method, key, request, due_time) SELECT 'away', n::text, '', now() FROM generate_series(1, 20000) AS n",
  );
  await database.query('ANALYZE jobs');
  await beat(database, { id: 'w1', held: [] });
  await passes(dead + 1_000);
  await database.query('UPDATE job_owners SET heartbeat = now()');
  await database.transaction(async (transaction) => {
    const read = "SELECT seq_scan AS whole FROM pg_stat_xact_user_tables WHERE relname = 'jobs'";
    const before = await transaction.one(read);
    await beat(transaction, { id: 'w1', held: [] });
    expect(await transaction.one(read)).toEqual(before);
  });
});

it.each([claimHeads, claimJobs])('%p leaves the jobs of a worker that lives alone', async (claimDue) => {
  await beat(database, { id: 'w1', held: [] });
  await insert('a');
  expect(await claim('w1')).toHaveLength(1);
  expect((await claimDue(database, { wanted, claim: 'w2-1' }, {})).attempts).toEqual([]);
});
