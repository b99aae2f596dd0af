import { beforeEach, expect, it } from '@jest/globals';
import { JobServiceDefinition, JobState } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { systemClock } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';
import { useStandIns } from './stand-in-fleet.js';

const { run, register } = useStandIns('jobs');
let recorded: string[];
let state: JobState;

beforeEach(() => {
  recorded = [];
  state = JobState.JOB_STATE_FAILED;
});

const method = 'sales.v1.QuoteService/RemindOwner';
const job = {
  id: 17n,
  method,
  key: 'quotes/7',
  state: JobState.JOB_STATE_FAILED,
  attempts: 12,
  refusals: 5,
  error: 'no such owner\u001b[31m',
  createTime: new Date(systemClock.now() - 7_300_000),
  dueTime: new Date('2026-03-01T09:00:00Z'),
};

/** A registered instance of a service with jobs. */
async function start(instanceId: string, service = 'sales.v1.QuoteService', ...others: string[]): Promise<void> {
  const change = (what: string) => (request: { id: bigint }) => {
    recorded.push(`${instanceId} ${what} ${request.id}`);
    if (request.id !== job.id) throw new RpcError(Status.NOT_FOUND, `there is no job ${request.id} here`);
    return { ...job, state };
  };
  const jobs = standIn(JobServiceDefinition, {
    listJobs: () => ({
      methods: [
        { method, waiting: 2n, running: 1n, failed: 1n },
        {
          method: 'sales.v1.QuoteService/Clean',
          schedule: { cron: '0 9 * * *', timeZone: 'UTC', nextTime: new Date('2026-03-02T09:00:00Z'), skipped: 3n },
        },
      ],
      jobs: [job],
    }),
    retryJob: change('retry'),
    discardJob: change('discard'),
    runSchedule({ method: name }) {
      recorded.push(`${instanceId} run ${name}`);
      return { ...job, key: 'now' };
    },
  });
  await register(instanceId, jobs, service, ...others);
}

it('ls asks one instance of a service, and shows its methods, and its jobs as text', async () => {
  await start('sales-1');
  await start('sales-2');
  const { exitCode, stdout } = await run('ls');
  expect(exitCode).toBe(0);
  expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['METHOD', 'WAITING', 'RUNNING', 'FAILED', 'SCHEDULE', 'NEXT', 'SKIPPED'],
    [method, '2', '1', '1', '-', '-', '-'],
    ['sales.v1.QuoteService/Clean', '0', '0', '0', '0 9 * * * UTC', '2026-03-02T09:00:00Z', '3'],
    [''],
    ['JOB', 'METHOD', 'KEY', 'STATE', 'DUE', 'AGE', 'TRIES', 'REFUSED', 'WHY'],
    ['17', method, 'quotes/7', 'FAILED', '2026-03-01T09:00:00Z', '2h', '12', '5', 'no such owner\\u001b[31m'],
    [''],
  ]);
  expect(JSON.parse((await run('ls', '--json')).stdout)).toMatchObject({
    methods: [{ method, failed: '1' }, { schedule: { skipped: '3', nextTime: '2026-03-02T09:00:00.000Z' } }],
    jobs: [{ id: '17', state: 'FAILED', dueTime: '2026-03-01T09:00:00.000Z' }],
  });
});

it('retry and discard ask one instance, whose refusal is final', async () => {
  await start('sales-1');
  await start('sales-2');
  expect((await run('retry', '17')).stdout).toBe(`${method} quotes/7 is tried again\n`);
  expect((await run('discard', '17', 'QuoteService')).stdout).toBe(`${method} quotes/7 is discarded\n`);
  state = JobState.JOB_STATE_RUNNING;
  expect((await run('discard', '17')).stdout).toContain('is discarded; an attempt runs, and is cancelled within');
  const refused = await run('retry', '18');
  expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('there is no job 18 here')]);
  expect(recorded.map((line) => line.replace(/^sales-\d /, ''))).toEqual([
    'retry 17',
    'discard 17',
    'discard 17',
    'retry 18',
  ]);
});

it('run asks the service whose method it is', async () => {
  await start('sales-1');
  await start('projects-1', 'projects.v1.ProjectService');
  expect((await run('run', 'QuoteService/RemindOwner')).stdout).toBe(`${method} now is due\n`);
  expect(recorded).toEqual(['sales-1 run QuoteService/RemindOwner']);
});

it('asks a service once while its replicas have two versions, of which one has a contract more', async () => {
  await start('sales-1');
  await start('sales-2', 'sales.v1.QuoteService', 'sales.v1.DiscountService');
  expect(JSON.parse((await run('ls', '--json')).stdout).jobs).toHaveLength(1);
  expect((await run('retry', '17')).stdout).toBe(`${method} quotes/7 is tried again\n`);
});

it('asks for the service if several have jobs, and says if none has', async () => {
  expect((await run('ls')).stderr).toContain('no registered service has jobs');
  await start('sales-1');
  await start('projects-1', 'projects.v1.ProjectService');
  expect((await run('retry', '17')).stderr).toContain('name one after the id');
  expect((await run('retry', '17', 'QuoteService')).exitCode).toBe(0);
});

it.each([[['retry']], [['discard', 'x']], [['run', 'RemindOwner']], [['remove', '17']]])(
  'rondo jobs %j is no command',
  async (words) => {
    expect((await run(...words)).exitCode).toBe(2);
  },
);

it('prints a line of its own, whatever a service answers', async () => {
  const hostile = 'a\n\u001b]0;b\u0007\u009bc\u202e';
  const jobs = standIn(JobServiceDefinition, {
    listJobs() {
      throw new RpcError(Status.INTERNAL, hostile);
    },
    retryJob: () => ({ ...job, method: hostile }),
  });
  await register('sales-1', jobs, 'sales.v1.QuoteService');
  const shown = 'a\\n\\u001b]0;b\\u0007\\u009bc\\u202e';
  expect((await run('ls')).stderr).toBe(`a service can't be asked: ${shown}\n`);
  expect((await run('retry', '17')).stdout).toBe(`${shown} quotes/7 is tried again\n`);
  expect(JSON.parse((await run('retry', '17', '--json')).stdout).method).toBe(hostile);
});
