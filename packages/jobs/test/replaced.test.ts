import { expect, it } from '@jest/globals';
import type { Database } from '@rondo/database';
import { RpcError, Status } from '@rondo/rpc/status';
import type { Jobs } from '../src/exports/index.js';
import { meterJobs } from '../src/metrics.js';
import { doChore, eachWithDatabase, eventually, readable, write } from './fixture.js';

let database: Database;
const { begin } = eachWithDatabase((own) => {
  database = own;
});

async function enqueue(jobs: Jobs, chore: string, job: { readonly key?: string; readonly at?: Date } = {}) {
  await database.transaction((transaction) => jobs.enqueue(transaction, doChore, { request: { chore }, ...job }));
  jobs.nudge();
}

const effects = async () =>
  (await database.query<{ chore: string }>('SELECT chore FROM effects ORDER BY id')).map(({ chore }) => chore);
const inAnHour = () => new Date(Date.now() + 3_600_000);

it.each(['succeeds', 'fails'])('a job that runs and %s ends before one with its key begins', async (how) => {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const began: string[] = [];
  const jobs = begin({
    chores: {
      async doChore({ chore }) {
        began.push(chore);
        if (chore === 'first') await held;
        if (chore === 'first' && how === 'fails') throw new RpcError(Status.INTERNAL, 'the broom is gone');
        return write(database, chore);
      },
    },
  });
  await enqueue(jobs, 'first', { key: 'k' });
  await eventually(() => expect(began).toEqual(['first']));
  await enqueue(jobs, 'second', { key: 'k' });
  await enqueue(jobs, 'third', { key: 'k' });
  await enqueue(jobs, 'other'); // which a claim takes after it has seen the third
  await eventually(async () => expect(await effects()).toEqual(['other']));
  expect(began).toEqual(['first', 'other']);
  release();
  const expected = ['other', ...(how === 'fails' ? [] : ['first']), 'third'];
  await eventually(async () => expect(await effects()).toEqual(expected));
  await eventually(async () => expect(await database.query('SELECT FROM jobs')).toHaveLength(0));
});

it('a job that runs goes on when one with its key is enqueued, and is said to run when it is cancelled', async () => {
  const began: string[] = [];
  const jobs = begin({
    chores: {
      doChore({ chore }) {
        began.push(chore);
        return new Promise(() => {});
      },
    },
  });
  await enqueue(jobs, 'first', { key: 'k' });
  await eventually(() => expect(began).toEqual(['first']));
  await enqueue(jobs, 'second', { key: 'k', at: inAnHour() });
  const heartbeat = () => database.one<{ at: Date }>('SELECT heartbeat AS at FROM job_owners');
  const { at } = await heartbeat();
  // The one before may not know of the job yet.
  await eventually(async () => expect((await heartbeat()).at > at).toBe(true));
  await database.query("UPDATE jobs SET due_time = now() + interval '1 min'"); // of its lease
  const leaseEnd = () => database.one<{ due: Date }>('SELECT due_time AS due FROM jobs');
  const { due } = await leaseEnd();
  // By a heartbeat.
  await eventually(async () => expect((await leaseEnd()).due > due).toBe(true));
  expect(await database.transaction((transaction) => jobs.cancel(transaction, doChore, 'k'))).toBe('running');
});

it('a job whose process ends while it runs is followed by one with its key at the time of that', async () => {
  const jobs = begin();
  await enqueue(jobs, 'first', { key: 'k', at: inAnHour() });
  await database.query("UPDATE jobs SET claim = '2.of a process that is gone', attempts = 1"); // until its lease ends
  await enqueue(jobs, 'second', { key: 'k', at: inAnHour() });
  await database.query('UPDATE jobs SET due_time = now()'); // it has ended
  await enqueue(jobs, 'other');
  await eventually(async () => expect(await effects()).toEqual(['other']));
  await eventually(async () => expect(await database.query('SELECT FROM jobs')).toHaveLength(1));
  const { meter, read } = readable();
  meterJobs(meter, database);
  expect(await read()).toMatchObject({ 'rondo.jobs.lag': 0 });
  await database.query('UPDATE jobs SET next_time = now()');
  await eventually(async () => expect(await effects()).toEqual(['other', 'second']));
});
