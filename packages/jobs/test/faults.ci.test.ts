/** What becomes of jobs when replicas have two versions, locks are held, or attempts outlive their job. */
import { describe, expect, it } from '@jest/globals';
import { createNoopMeter } from '@opentelemetry/api';
import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import { JobServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/jobs';
import type { Database } from '@rondo/database';
import { silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { createTestChannel, ManualClock } from '@rondo/rpc/testing';
import { jobMethodsOf } from '../src/contract.js';
import { createJobs, type Jobs } from '../src/exports/index.js';
import type { EnqueuedJob } from '../src/jobs.js';
import { Occurrences } from '../src/occurrences.js';
import { beginSchedules, fire, isScheduled } from '../src/schedules.js';
import { claimJobs, renewJobs } from '../src/store.js';
import { doAlone, doChore, eachWithDatabase, eventually, readable } from './fixture.js';

let database: Database;
const { begin, processes } = eachWithDatabase((own) => {
  database = own;
});

async function enqueue(jobs: Jobs, chore: string, job: Pick<EnqueuedJob<typeof doAlone>, 'at' | 'key'>) {
  await database.transaction((transaction) => jobs.enqueue(transaction, doAlone, { request: { chore }, ...job }));
  jobs.nudge();
}

it('a schedule that has changed keeps its next time while a replica of the version before fires it', async () => {
  const scheduled = [...jobMethodsOf([ChoreServiceDefinition]).values()].filter(isScheduled);
  const withCron = (cron: string) =>
    scheduled.map((job) => ({ ...job, occurrences: new Occurrences({ cron, timeZone: '' }) }));
  await beginSchedules(database, withCron('0 0 1 1 *'));
  await beginSchedules(database, withCron('0 * * * *'));
  await database.query("UPDATE job_schedules SET next_time = date_trunc('hour', now())");
  await fire(database, withCron('0 0 1 1 *'), { onFault: () => undefined });
  expect(await database.query('SELECT FROM jobs')).toHaveLength(1);
  expect(await database.query("SELECT FROM job_schedules WHERE next_time <= now() + interval '1 hour'")).toHaveLength(
    1,
  );
});

it('a stored schedule that is unreadable stops only itself', async () => {
  const scheduled = [...jobMethodsOf([ChoreServiceDefinition]).values()].filter(isScheduled);
  await beginSchedules(database, scheduled);
  await database.query("UPDATE job_schedules SET cron = '2020-12-01T09:00:00', next_time = now()");
  const faults: string[] = [];
  await fire(database, scheduled, { onFault: (method, fault) => faults.push(`${method}${fault}`) });
  expect(faults).toEqual([expect.stringContaining('.cron is "2020-12-01T09:00:00": give five fields')]);
});

const aloneName = 'rondo.conformance.v1.ChoreService/DoAlone';

describe('an attempt at a job that is replaced', () => {
  it('ends, also if the process has the next one', async () => {
    const clock = new ManualClock();
    const [began, ended]: [string[], string[]] = [[], []];
    const jobs = begin({
      clock,
      chores: {
        async doAlone({ chore }, { signal }) {
          began.push(chore);
          await new Promise((done) => signal.addEventListener('abort', done, { once: true }));
          ended.push(chore);
          return {};
        },
      },
    });
    for (const chore of ['first', 'second']) {
      await enqueue(jobs, chore, { key: 'k' });
      await eventually(() => expect(began).toContain(chore));
    }
    await clock.advance(10_000);
    await eventually(() => expect(ended).toEqual(['first']));
  });

  it('tells no progress of the next one', async () => {
    let progress: Promise<void> | undefined;
    const jobs: Jobs = begin({
      chores: {
        async doAlone(_request, call) {
          await enqueue(jobs, 'second', { key: 'k', at: new Date(Date.now() + 3_600_000) });
          progress = jobs.tell(call, '1 of 2');
          await progress;
          return {};
        },
      },
    });
    await enqueue(jobs, 'first', { key: 'k' });
    await eventually(() => expect(progress).toBeDefined());
    await progress;
    expect(await database.query('SELECT progress FROM jobs')).toEqual([{ progress: '' }]);
  });
});

it('a job that another session locks keeps no other from its sign of life', async () => {
  const jobs = begin();
  await jobs.close();
  for (const key of ['locked', 'free']) await enqueue(jobs, key, { key });
  const wanted = [{ method: aloneName, most: 2, maxRunning: null }];
  const { attempts } = await claimJobs(database, { wanted, claim: 'mine' }, {});
  await database.query('UPDATE jobs SET due_time = now()');
  await database.transaction(async (transaction) => {
    await jobs.enqueue(transaction, doAlone, { request: {}, key: 'locked' });
    expect(await renewJobs(database, attempts)).toEqual([]);
  });
  expect(await database.query('SELECT key FROM jobs WHERE due_time > now()')).toEqual([{ key: 'free' }]);
  expect((await renewJobs(database, attempts)).map(({ key }) => key)).toEqual(['locked']);
});

it('a job that another session locks keeps no other that has succeeded', async () => {
  const settled: number[] = [];
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const jobsDatabase: Database = {
    ...database,
    async query(sql, params = [], ...rest) {
      if (!sql.startsWith('DELETE FROM jobs')) return await database.query(sql, params, ...rest);
      const [ids] = params;
      const count = Array.isArray(ids) ? ids.length : 0;
      settled.push(count);
      if (count > 1) throw new Error('a lock was not given in time');
      if (settled.length === 1) await held; // so that the others end meanwhile
      return await database.query(sql, params, ...rest);
    },
  };
  let ended = 0;
  const meter = Object.assign(createNoopMeter(), {
    createCounter: () => ({
      add() {
        ended += 1;
      },
    }),
  });
  const jobs = begin({ jobsDatabase, meter });
  await database.transaction(async (transaction) => {
    for (const chore of ['a', 'b', 'c']) await jobs.enqueue(transaction, doChore, { request: { chore } });
  });
  jobs.nudge();
  await eventually(() => expect(ended).toBe(3));
  release();
  await eventually(() => expect(settled).toEqual([1, 2, 1, 1]));
  await eventually(async () => expect(await database.query('SELECT FROM jobs')).toEqual([]));
});

it('a job whose method is no job any more is shown and lags, and an operator discards it', async () => {
  const before = begin();
  await before.close();
  await enqueue(before, 'x', { key: 'k' });
  const { doAlone: _, ...methods } = ChoreServiceDefinition.methods;
  const { meter, read } = readable();
  const jobs = createJobs({
    database,
    services: [{ ...ChoreServiceDefinition, methods }],
    meter,
    log: silentLogger,
    channel: createTestChannel({ services: [] }),
  });
  processes.push(jobs);
  await jobs.start();
  await eventually(async () => expect((await read())['rondo.jobs.lag']).toBeGreaterThan(0));
  const operator = createClient(JobServiceDefinition, { channel: createTestChannel({ services: [jobs.service] }) });
  const listed = await operator.listJobs({});
  expect(listed.methods.at(-1)).toMatchObject({ method: aloneName, waiting: 1n });
  expect(listed.jobs).toMatchObject([{ method: aloneName, key: 'k' }]);
  await operator.discardJob({ id: listed.jobs[0]?.id ?? 0n });
  expect((await operator.listJobs({})).jobs).toEqual([]);
});
