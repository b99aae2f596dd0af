/** Jobs that their process has no room for. The other process has a clock that stands still: it finds nothing by a look. */
import { expect, it } from '@jest/globals';
import type { Database } from '@rondo/database';
import { ManualClock } from '@rondo/rpc/testing';
import type { Jobs } from '../src/exports/index.js';
import { doChore, eachWithDatabase, eventually, write } from './fixture.js';

let database: Database;
const { begin } = eachWithDatabase((own) => {
  database = own;
});

const ROOM = 10;
const enqueue = async (jobs: Jobs, chore: string) => {
  await database.transaction((transaction) => jobs.enqueue(transaction, doChore, { request: { chore } }));
  jobs.nudge();
};
const effects = async () =>
  (await database.query<{ chore: string }>('SELECT chore FROM effects')).map(({ chore }) => chore);

/** A database that counts the notices of its process. */
function counting() {
  const notices: string[] = [];
  const jobsDatabase: Database = {
    ...database,
    query: (sql, params, options) => {
      if (sql.includes('pg_notify')) notices.push(String(params?.[0]));
      return database.query(sql, params, options);
    },
  };
  return { jobsDatabase, notices };
}

/** Waits until a process does nothing: it has begun what it found, or its statement has ended. */
async function rest() {
  for (let round = 0; round < 50; round += 1) await database.query('SELECT');
}

/** A process whose jobs never end before `release`, and which has as many as it takes. */
async function beginFull() {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  let running = 0;
  const { jobsDatabase, notices } = counting();
  const full = begin({
    jobsDatabase,
    chores: {
      async doChore({ chore }) {
        running += 1;
        await held;
        return write(database, chore);
      },
    },
  });
  for (let index = 0; index < ROOM; index += 1) await enqueue(full, `held-${index}`);
  await eventually(() => expect(running).toBe(ROOM));
  return { full, notices, release };
}

/** A process that has looked once, and listens. */
async function beginIdle() {
  const { jobsDatabase, notices } = counting();
  const before = await listeners();
  begin({ jobsDatabase, clock: new ManualClock() });
  await eventually(async () => expect(await listeners()).toBe(before + 1));
  await rest();
  return { notices };
}

const listeners = async () =>
  (
    await database.query(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rondo-jobs' AND query LIKE 'LISTEN%' AND state = 'idle'",
    )
  ).length;

it('another process begins at once what this one has no room for, and is notified no more often than needed', async () => {
  const { full, notices, release } = await beginFull();
  const other = await beginIdle();
  notices.length = 0;
  for (let index = 0; index < 10; index += 1) {
    await enqueue(full, `other-${index}`);
    await eventually(async () => expect(await effects()).toContain(`other-${index}`));
    if (index % 2 === 0) await rest(); // others come so soon that their notice waits
  }
  expect(notices.length).toBeLessThanOrEqual(10);
  expect(other.notices).toEqual([]);
  release();
});

it('what a process gives back when it stops begins at once elsewhere', async () => {
  const { full } = await beginFull();
  await beginIdle();
  await full.close();
  await eventually(async () => expect(await effects()).toHaveLength(ROOM));
});

it('a process that has room notifies no other', async () => {
  const { jobsDatabase, notices } = counting();
  const roomy = begin({ jobsDatabase });
  await enqueue(roomy, 'dishes');
  await eventually(async () => expect(await effects()).toEqual(['dishes']));
  expect(notices).toEqual([]);
});
