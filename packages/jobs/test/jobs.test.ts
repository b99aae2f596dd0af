import { describe, expect, it } from '@jest/globals';
import { JobServiceDefinition, JobState } from '@rondo/contracts/rondo/jobs/v1/jobs';
import type { Database } from '@rondo/database';
import { waitingForLocks } from '@rondo/database/testing';
import { callPrincipal, currentWorkLimits, type ServerCall } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import type { Middleware } from '@rondo/rpc/middleware';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel, failureOf, ManualClock } from '@rondo/rpc/testing';
import type { Jobs } from '../src/exports/index.js';
import type { EnqueuedJob } from '../src/jobs.js';
import { claimJobs } from '../src/store.js';
import { doAlone, doChore, eachWithDatabase, eventually, startProcess, sweep, write } from './fixture.js';

let database: Database;
const { begin, processes } = eachWithDatabase((own) => {
  database = own;
});

type Enqueued = Pick<EnqueuedJob<typeof doChore>, 'at' | 'key'> & { readonly method?: typeof doChore | typeof doAlone };

async function enqueue(jobs: Jobs, chore: string, { method = doChore, ...job }: Enqueued = {}) {
  await database.transaction((transaction) => jobs.enqueue(transaction, method, { request: { chore }, ...job }));
  jobs.nudge();
}

const effects = async () =>
  (await database.query<{ chore: string }>('SELECT chore FROM effects ORDER BY id')).map(({ chore }) => chore);
const done = (...chores: string[]) =>
  eventually(async () => {
    expect(await effects()).toEqual(chores);
    expect(await database.query('SELECT FROM jobs')).toHaveLength(0);
  });
const operator = ({ service }: Jobs) =>
  createClient(JobServiceDefinition, { channel: createTestChannel({ services: [service] }) });
const failed = (jobs: Jobs) =>
  eventually(async () => {
    const [job] = (await operator(jobs).listJobs({})).jobs;
    if (job?.state !== JobState.JOB_STATE_FAILED) throw new Error('it has not failed yet');
    return job;
  });
const inAnHour = () => new Date(Date.now() + 3_600_000);

describe('a job', () => {
  it('runs once its transaction has committed, and not if that is rolled back', async () => {
    const jobs = begin();
    await expect(
      database.transaction(async (transaction) => {
        await jobs.enqueue(transaction, doChore, { request: { chore: 'never' } });
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    await enqueue(jobs, 'dishes');
    await done('dishes');
  });

  it('waits for its time', async () => {
    const jobs = begin();
    await enqueue(jobs, 'later', { at: inAnHour() });
    await enqueue(jobs, 'now');
    await eventually(async () => expect(await effects()).toEqual(['now']));
    const { jobs: listed, methods } = await operator(jobs).listJobs({});
    expect(listed).toMatchObject([{ method: 'rondo.conformance.v1.ChoreService/DoChore', attempts: 0 }]);
    expect(methods.map(({ method, waiting }) => [method, waiting])).toContainEqual([listed[0]?.method, 1n]);
  });

  it('is replaced by one with its key, and cancelled by it', async () => {
    const jobs = begin();
    await enqueue(jobs, 'first', { key: 'k', at: inAnHour() });
    await enqueue(jobs, 'second', { key: 'k' });
    await done('second');
    await enqueue(jobs, 'third', { key: 'k', at: inAnHour() });
    expect(await database.transaction((transaction) => jobs.cancel(transaction, doChore, 'k'))).toBe(true);
    expect(await database.transaction((transaction) => jobs.cancel(transaction, doChore, 'k'))).toBe(false);
    await done('second');
  });

  it('that fails is tried again, and then waits for an operator, who tries it again or discards it', async () => {
    let attempts = 0;
    let broken = true;
    const jobs = begin({
      chores: {
        doChore({ chore }) {
          attempts += 1;
          if (broken) throw new RpcError(Status.INTERNAL, 'the broom is gone');
          return write(database, chore);
        },
      },
    });
    await enqueue(jobs, 'floor');
    const job = await failed(jobs);
    expect(job).toMatchObject({ attempts: 4, error: expect.stringContaining('the broom is gone') });
    expect(attempts).toBe(4);
    broken = false;
    await operator(jobs).retryJob({ id: job.id });
    await done('floor');
    expect(await failureOf(operator(jobs).retryJob({ id: job.id }))).toMatchObject({ code: Status.NOT_FOUND });
    broken = true;
    await enqueue(jobs, 'stairs');
    const { id } = await failed(jobs);
    await operator(jobs).discardJob({ id });
    await done('floor');
  });

  it('that fails for good, as its contract says, is tried once, and done when an operator tries it again', async () => {
    let broken = true;
    const jobs = begin({
      chores: {
        doChore({ chore }) {
          if (!broken) return write(database, chore);
          throw new RpcError(Status.FAILED_PRECONDITION, 'there is no \0 floor'); // which PostgreSQL would not store
        },
      },
    });
    await enqueue(jobs, 'floor');
    const job = await failed(jobs);
    expect(job).toMatchObject({ attempts: 1, error: expect.stringContaining('there is no \\0 floor') });
    broken = false;
    await operator(jobs).retryJob({ id: job.id });
    await done('floor');
  });

  it('whose process ends at each attempt fails, after one more that learns what became of the last', async () => {
    const endDuring = 'UPDATE jobs SET attempts = $1, claim = $2, due_time = now()';
    await enqueue(begin(), 'x', { at: inAnHour() });
    await database.query(endDuring, [5, '2.of a process that is gone']);
    expect(await failed(begin())).toMatchObject({ error: 'its process ended during the last attempt' });
    expect(await effects()).toEqual([]);
    await enqueue(begin(), 'y', { at: inAnHour() });
    await database.query(`${endDuring} WHERE NOT failed`, [4, '2.of a process that is gone']);
    await eventually(async () => expect(await effects()).toEqual(['y']));
  });

  it('shows its progress', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const jobs: Jobs = begin({
      chores: {
        async doChore({ chore }, call) {
          await jobs.tell(call, '12 of 80');
          await held;
          return write(database, chore);
        },
      },
    });
    await enqueue(jobs, 'dishes');
    await eventually(async () => {
      const { jobs: listed } = await operator(jobs).listJobs({});
      expect(listed).toMatchObject([{ progress: '12 of 80', state: JobState.JOB_STATE_RUNNING }]);
    });
    release();
    await done('dishes');
  });
});

describe('a job that enqueues itself, for ever', () => {
  const startEndless = (times: number, key?: string) => {
    let runs = 0;
    const jobs: Jobs = begin({
      chores: {
        doChore() {
          runs += 1;
          return database.transaction(async (transaction) => {
            for (let index = 0; index < times; index += 1)
              await jobs.enqueue(transaction, doChore, { request: {}, ...(key !== undefined && { key }) });
            return {};
          }, currentWorkLimits());
        },
      },
    });
    const waiting = async () => (await database.query('SELECT FROM jobs')).length;
    return { jobs, waiting, ran: (least: number) => eventually(() => expect(runs).toBeGreaterThan(least)) };
  };

  it('is one job by a key', async () => {
    const { jobs, waiting, ran } = startEndless(2, 'self');
    await enqueue(jobs, '', { key: 'self' });
    await ran(10);
    expect(await waiting()).toBe(1);
  });

  it('and becomes ever more without one, holds up no other method', async () => {
    const { jobs, waiting, ran } = startEndless(2);
    await enqueue(jobs, '');
    await ran(30);
    await enqueue(jobs, 'other', { method: doAlone });
    await eventually(async () => expect(await effects()).toEqual(['other']));
    expect(await waiting()).toBeGreaterThan(30);
  });
});

/** A database in which no job can be removed, as if the process had died before. */
const withoutSettling = (inner: Database): Database => ({
  ...inner,
  query: (sql, ...rest) =>
    sql.startsWith('DELETE FROM jobs') ? Promise.reject(new Error('the process has died')) : inner.query(sql, ...rest),
});

describe('a job whose process dies after its effect', () => {
  const dyingAfter = async (method: typeof doChore | typeof doAlone) => {
    const dying = begin({ jobsDatabase: withoutSettling(database) });
    await enqueue(dying, 'dishes', { method });
    await eventually(async () => expect(await effects()).toEqual(['dishes']));
    await dying.close();
    await database.query('UPDATE jobs SET due_time = now()'); // its lease has ended
    begin();
  };

  it('has one effect by its key', async () => {
    await dyingAfter(doChore);
    await done('dishes');
  });

  it('has two without a key: the contract says that it may be repeated', async () => {
    await dyingAfter(doAlone);
    await done('dishes', 'dishes');
  });
});

const METHOD = 'rondo.conformance.v1.ChoreService/DoAlone';

describe('jobs with max_running', () => {
  it('are taken by one process at a time, up to the bound', async () => {
    const jobs = startProcess(database, { chores: { doAlone: () => new Promise(() => {}) } });
    await jobs.close();
    for (let index = 0; index < 10; index += 1) await enqueue(jobs, `${index}`, { method: doAlone });
    const wanted = [{ method: METHOD, most: 10, maxRunning: 2 }];
    const claim = (name: string) => claimJobs(database, { wanted, claim: name }, {});
    let later: ReturnType<typeof claim> | undefined;
    await database.transaction(async ({ query }) => {
      await query('SELECT pg_advisory_xact_lock(hashtextextended($1, 7))', [METHOD]); // as another process that claims
      later = claim('second');
      const waits = () => eventually(async () => expect(await waitingForLocks(database)).toBe(1));
      await Promise.race([waits(), later]);
      const taken =
        "UPDATE jobs SET claim = '2.first', due_time = now() + interval '1 h' WHERE id IN (SELECT id FROM jobs LIMIT 1)";
      await query(taken);
    });
    expect((await later)?.attempts).toHaveLength(1);
    expect((await claim('third')).attempts).toEqual([]);
  });

  it('all run in the end', async () => {
    const [one, other] = [begin(), begin()];
    for (let index = 0; index < 20; index += 1)
      await enqueue(index % 2 === 0 ? one : other, `${index}`, { method: doAlone });
    await eventually(async () => expect(await effects()).toHaveLength(20));
  });
});

it('an attempt ends if its job was discarded or taken over', async () => {
  const clock = new ManualClock();
  let ended: unknown;
  const began = new Promise<void>((resolve) => {
    const jobs = begin({
      clock,
      chores: {
        async doAlone(_request, call) {
          resolve();
          await new Promise((done) => call.signal.addEventListener('abort', done, { once: true }));
          ended = call.signal.reason;
          return {};
        },
      },
    });
    void enqueue(jobs, 'endless', { method: doAlone });
  });
  await began;
  await database.query('DELETE FROM jobs');
  await clock.advance(10_000);
  await eventually(() => expect(ended).toMatchObject({ code: Status.CANCELLED }));
});

describe('a schedule', () => {
  const next = async () =>
    database.one<{ next: Date; skipped: bigint }>('SELECT next_time AS next, skipped FROM job_schedules');

  it('fires once in all processes, for the latest of the times that passed, and counts the others', async () => {
    begin();
    await eventually(next);
    await Promise.all(processes.splice(0).map((jobs) => jobs.close()));
    const { next: due } = await next();
    await database.query("UPDATE job_schedules SET next_time = next_time - interval '72 hours'");
    for (let index = 0; index < 3; index += 1) begin();
    await eventually(async () => expect((await next()).next).toEqual(due));
    await done('sweep');
    expect((await next()).skipped).toBeGreaterThanOrEqual(1n);
  });

  it('is called now if an operator asks for it: one at a time, at its times as before', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let began = 0;
    const jobs = begin({
      chores: {
        async sweep() {
          began += 1;
          await held;
          return write(database, 'sweep');
        },
      },
    });
    const { next: due } = await eventually(next);
    const asked = await operator(jobs).runSchedule({ method: 'ChoreService/Sweep' });
    expect(asked).toMatchObject({ method: 'rondo.conformance.v1.ChoreService/Sweep', key: 'now' });
    await eventually(() => expect(began).toBe(1));
    expect((await operator(jobs).runSchedule({ method: asked.method })).id).toBe(asked.id);
    release();
    await done('sweep');
    expect([began, (await next()).next]).toEqual([1, due]);
    for (const method of ['ChoreService/DoChore', 'weep', ''])
      expect(await failureOf(operator(jobs).runSchedule({ method }))).toMatchObject({
        code: Status.NOT_FOUND,
        message: expect.stringContaining('has a schedule'),
      });
  });

  it('that has changed begins anew', async () => {
    begin();
    const { next: due } = await eventually(next);
    await Promise.all(processes.splice(0).map((jobs) => jobs.close()));
    await database.query("UPDATE job_schedules SET cron = '0 0 1 1 *', next_time = now() + interval '300 days'");
    begin();
    await eventually(async () => expect((await next()).next).toEqual(due));
  });
});

describe('what can be no job', () => {
  it.each([
    [
      'a method without the option',
      (jobs: Jobs) => jobs.enqueue(database, JobServiceDefinition.methods.retryJob, { request: {} }),
      'no job of this service',
    ],
    ['an empty key', (jobs: Jobs) => jobs.enqueue(database, sweep, { request: {}, key: '' }), '1 to 200 characters'],
    [
      'a long key',
      (jobs: Jobs) => jobs.enqueue(database, sweep, { request: {}, key: 'k'.repeat(201) }),
      '1 to 200 characters',
    ],
    [
      'a large request',
      (jobs: Jobs) => jobs.enqueue(database, doChore, { request: { chore: 'x'.repeat(1_048_577) } }),
      'at most 1 MiB',
    ],
  ])('%s is refused', async (_what, attempt, text) => {
    await expect(attempt(begin())).rejects.toThrow(text);
  });

  it.each([
    ['sales', 'rondo.operator', false],
    ['gateway', 'sales.read', false],
    ['gateway', 'rondo.operator', true],
    ['person/ada', 'sales.read', true],
  ])('%s, for a principal with %s, asks for jobs: %s', async (name, scope, allowed) => {
    const principal = { subject: 'ada', issuer: 'https://issuer.example.com', scopes: [scope], actors: [] };
    const onBehalf: Middleware<ServerCall> = (call, next) => {
      call.values.set(callPrincipal, principal);
      return next(call);
    };
    const identity = `spiffe://rondo/${name}`;
    const channel = createTestChannel({ services: [begin().service], identity, middleware: [onBehalf] });
    const asked = createClient(JobServiceDefinition, { channel }).listJobs({});
    if (allowed) expect((await asked).methods).toHaveLength(3);
    else expect(await failureOf(asked)).toMatchObject({ code: Status.PERMISSION_DENIED });
  });
});
