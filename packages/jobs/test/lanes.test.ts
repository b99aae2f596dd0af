import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Database, Queries } from '@rondo/database';
import { startTestPostgres, type TestPostgres, waitingForLocks } from '@rondo/database/testing';
import { claimHeads } from '../src/lanes.js';
import { claimJobs, discardJob, settleJobs } from '../src/store.js';
import { createTables, eventually } from './fixture.js';

let postgres: TestPostgres;
let database: Database;

beforeAll(async () => {
  postgres = await startTestPostgres();
  database = await createTables(await postgres.createDatabase());
});
afterAll(async () => {
  await database.close();
  await postgres.stop();
});
beforeEach(async () => {
  await database.query('TRUNCATE jobs');
  await add('1');
});

const add = (key: string) =>
  database.query("INSERT INTO jobs (method, key, lane, request, due_time) VALUES ('m', $1, 'lane', '', now())", [key]);
async function claim(queries: Queries = database) {
  const wanted = [{ method: 'm', most: 5, maxRunning: null }];
  return (await claimHeads(queries, { wanted, claim: 'c' }, {})).attempts;
}
const keys = async () => (await claim()).map(({ key }) => key);

it('of a lane the second waits until the first has ended', async () => {
  await add('2');
  const first = await claim();
  expect(first.map(({ key }) => key)).toEqual(['1']);
  expect(await keys()).toEqual([]);
  await settleJobs(database, first);
  expect(await keys()).toEqual(['2']);
});

it('one that comes back into its lane waits until a later one that runs has ended', async () => {
  await database.query("UPDATE jobs SET lane = NULL, failed = true WHERE key = '1'");
  await add('2');
  const later = await claim();
  await database.query("UPDATE jobs SET lane = 'lane', failed = false WHERE key = '1'");
  await add('3');
  expect(await keys()).toEqual([]);
  await settleJobs(database, later);
  expect(await keys()).toEqual(['1']);
});

it('the second is not left behind by a claim while the first is ending', async () => {
  const [first] = await claim();
  await add('2');
  await database.transaction(async (transaction) => {
    await discardJob(transaction, first?.id ?? 0n);
    expect(await keys()).toEqual([]); // which sees the first, and that the second is due
  });
  expect(await keys()).toEqual(['2']);
});

it('the end of the first waits for a claim that leaves the second behind it', async () => {
  const first = await claim();
  await add('2');
  let ended: Promise<void> | undefined;
  await database.transaction(async (transaction) => {
    expect(await claim(transaction)).toEqual([]);
    ended = settleJobs(database, first);
    await eventually(async () => expect(await waitingForLocks(database)).toBe(1));
  });
  await ended;
  expect(await keys()).toEqual(['2']);
});

it.each([claimHeads, claimJobs])('%p finds what is due by the indexes, however much else is due', async (claimDue) => {
  await database.query(
    "INSERT INTO jobs (method, key, request, due_time) SELECT 'away', n::text, '', now() FROM generate_series(1, 20000) AS n",
  );
  await database.query('ANALYZE jobs');
  await database.transaction(async (transaction) => {
    const wanted = [{ method: 'm', most: 5, maxRunning: null }];
    const queries = { ...database, ...transaction };
    const read = "SELECT seq_scan AS whole FROM pg_stat_xact_user_tables WHERE relname = 'jobs'";
    const before = await transaction.one(read);
    expect((await claimDue(queries, { wanted, claim: 'c' }, {})).attempts).toHaveLength(1);
    expect(await transaction.one(read)).toEqual(before);
  });
});
