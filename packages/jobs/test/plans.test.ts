/** The statements of the worker's loop are planned once a connection, however many rows there are. */
import { expect, it } from '@jest/globals';
import type { Database } from '@rondo/database';
import { claimHeads } from '../src/lanes.js';
import { beat } from '../src/owners.js';
import { claimJobs, settleJobs } from '../src/store.js';
import { eachWithDatabase } from './fixture.js';

let database: Database;
eachWithDatabase((own) => {
  database = own;
});

const METHODS = ['a.A/A', 'a.A/B', 'a.A/C'];
/** PostgreSQL plans a prepared statement anew so often before it compares the costs. */
const TRIED = 5;

it('plans claims, their ends and heartbeats once, next to 10,000 jobs that sleep', async () => {
  await database.query(
    `INSERT INTO jobs (method, key, request, due_time)
     SELECT 'a.A/A', n::text, '', now() + interval '1 day' FROM generate_series(1, 10000) AS n`,
  );
  await database.query('VACUUM ANALYZE jobs');
  const wanted = METHODS.map((method) => ({ method, most: 10, maxRunning: null }));
  const plans = await database.transaction(async (transaction) => {
    const here = { ...database, ...transaction }; // one connection, as a worker has for long
    for (let round = 0; round < 4 * TRIED; round += 1) {
      await claimJobs(here, { wanted, claim: `w1-${round}` }, {});
      await claimHeads(here, { wanted, claim: `w2-${round}` }, {});
      await settleJobs(here, []);
      await beat(here, { id: 'w1', held: [], methods: METHODS });
    }
    return await transaction.query<{ name: string; anew: number }>(
      `SELECT name, custom_plans::integer AS anew FROM pg_prepared_statements WHERE name LIKE 'rondo\\_%' ORDER BY name`,
    );
  });
  const names = ['rondo_job_claim', 'rondo_job_look', 'rondo_job_settle', 'rondo_lane_claim'];
  expect(plans).toEqual(names.map((name) => ({ name, anew: TRIED })));
});
