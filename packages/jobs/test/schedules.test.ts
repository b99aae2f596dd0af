/** What becomes of a schedule whose jobs take longer than its interval. */
import { expect, it } from '@jest/globals';
import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import { Overlap } from '@rondo/contracts/rondo/options/v1/options';
import type { Database } from '@rondo/database';
import { jobMethodsOf } from '../src/contract.js';
import { beginSchedules, fire, isScheduled } from '../src/schedules.js';
import { eachWithDatabase } from './fixture.js';

let database: Database;
eachWithDatabase((own) => {
  database = own;
});

const scheduled = [...jobMethodsOf([ChoreServiceDefinition]).values()].filter(isScheduled);
/** Fires the schedule at its next time. */
async function fireAs(overlap: Overlap) {
  await beginSchedules(database, scheduled);
  await database.query("UPDATE job_schedules SET next_time = clock_timestamp() - interval '1 s'");
  const jobs = scheduled.map((job) => ({ ...job, overlap }));
  expect(await fire(database, jobs, { onFault: () => undefined })).toBe(true);
}
const stored = () => database.query('SELECT version FROM jobs');
const LATER = "due_time = now() + interval '1 h'";
const schedule = () => database.one('SELECT skipped, overlap_time IS NOT NULL AS overlaps FROM job_schedules');

it('by default a time is skipped and counted while the job of an earlier one has not ended', async () => {
  expect(scheduled.map(({ overlap }) => overlap)).toEqual([Overlap.OVERLAP_UNSPECIFIED]);
  await fireAs(Overlap.OVERLAP_SKIP);
  expect(await schedule()).toEqual({ skipped: 0n, overlaps: false });
  const fails = 'attempts = 1, refusals = 0';
  for (const state of ['due_time = now()', `${fails}, ${LATER}`, `attempts = 0, refusals = 1, ${LATER}`]) {
    await database.query(`UPDATE jobs SET ${state}`);
    await fireAs(Overlap.OVERLAP_SKIP);
  }
  expect(await stored()).toEqual([{ version: 1 }]);
  expect(await schedule()).toEqual({ skipped: 3n, overlaps: true });
  await database.query('UPDATE jobs SET failed = true');
  await fireAs(Overlap.OVERLAP_SKIP);
  expect(await stored()).toHaveLength(2);
  expect(await schedule()).toEqual({ skipped: 3n, overlaps: false });
});

it('a job that its caller has enqueued for later keeps no schedule from its time', async () => {
  const sql = "INSERT INTO jobs (method, key, request, due_time) VALUES ($1, 'k', '', now() + interval '1 h')";
  await database.query(sql, [scheduled[0]?.name ?? '']);
  await fireAs(Overlap.OVERLAP_SKIP);
  expect(await stored()).toHaveLength(2);
});

it('a job takes the place of an earlier one, or waits with it, if the contract says so', async () => {
  for (let count = 0; count < 2; count += 1) await fireAs(Overlap.OVERLAP_REPLACE);
  expect(await stored()).toEqual([{ version: 2 }]);
  await database.query('DELETE FROM jobs');
  for (let count = 0; count < 2; count += 1) await fireAs(Overlap.OVERLAP_QUEUE);
  expect(await stored()).toEqual([{ version: 1 }, { version: 1 }]);
  expect(await schedule()).toEqual({ skipped: 0n, overlaps: false });
});
