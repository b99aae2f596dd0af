/** What becomes of jobs when replicas have two versions, locks are held, or attempts outlive their job. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import type { Database } from '@rondo/database';
import { startTestPostgres, type TestPostgres } from '@rondo/database/testing';
import { jobMethodsOf } from '../src/contract.js';
import type { Jobs } from '../src/exports/index.js';
import { Firings } from '../src/firings.js';
import { beginSchedules, fire, isScheduled } from '../src/schedules.js';
import { createTables } from './fixture.js';

let postgres: TestPostgres;
let database: Database;
let processes: Jobs[];

beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  processes = [];
  database = await createTables(await postgres.createDatabase());
});
afterEach(async () => {
  await Promise.all(processes.map((jobs) => jobs.close()));
  await database.close();
});

it('a schedule that has changed keeps its next time while a replica of the version before fires it', async () => {
  const scheduled = [...jobMethodsOf([ChoreServiceDefinition]).values()].filter(isScheduled);
  const withCron = (cron: string) => scheduled.map((job) => ({ ...job, firings: new Firings({ cron, timeZone: '' }) }));
  await beginSchedules(database, withCron('0 0 1 1 *'));
  await beginSchedules(database, withCron('0 * * * *'));
  await database.query("UPDATE job_schedules SET next_time = date_trunc('hour', now())");
  await fire(database, withCron('0 0 1 1 *'), {});
  expect(await database.query('SELECT FROM jobs')).toHaveLength(1);
  expect(await database.query("SELECT FROM job_schedules WHERE next_time <= now() + interval '1 hour'")).toHaveLength(
    1,
  );
});
