import {
  JobServiceDefinition as definition,
  type Job,
  JobState,
  type ListJobsResponse,
} from '@rondo/contracts/rondo/jobs/v1/jobs';
import { enumName } from '@rondo/operate/internal';
import { type CommandContext, defineActions, type Printed } from '../command.js';
import { completeService, oneOfService } from '../completion/registered.js';
import { UsageError } from '../errors.js';
import { jsonOption, registryOption } from '../options.js';
import { askService, askServices } from '../registry/groups.js';
import { formatTable } from '../terminal/table.js';
import { ageOf, printable, timeOf } from '../terminal/text.js';

const JOBS = { definition, what: 'jobs' };

export const jobs = defineActions({
  name: 'jobs',
  summary: 'Shows jobs and schedules; tries a failed job again, discards it, or runs a schedule now.',
  details: [
    'A job is a call that a service has stored to make it later. A FAILED one was tried as often as its contract says, or failed',
    'for good: it waits for you. retry tries it again now; discard removes it, and cancels an attempt that runs. An id is unique',
    'in its service: name one if several have jobs, by a contract that it serves. run calls a method with a schedule now.',
  ].join('\n'),
  options: { ...registryOption, ...jsonOption },
  examples: [
    ['jobs ls', 'What waits, runs and has failed, and when schedules are due.'],
    ['jobs retry 17 QuoteService', 'Tries a failed job of the service again.'],
    ['jobs run QuoteService/ExpireQuotes', 'Calls the method now, and at its times as before.'],
  ],
  exitCodes: { FAILED: 'Refused, or a service could not be asked; standard error says why.' },
  usual: 'ls',
  actions: {
    ls: {
      args: { name: '[service]' },
      complete: completeService,
      async run({ name }, context) {
        const asked = { ...JOBS, name };
        const { answers, failed } = await askServices({ ...asked, call: (all, how) => all.listJobs({}, how) }, context);
        const methods = answers.flatMap((answer) => answer.methods);
        const found = answers.flatMap((answer) => answer.jobs);
        const text = format({ methods, jobs: found }, context.clock.now());
        return { json: { methods, jobs: found.map(view) }, text, failed };
      },
    },
    retry: { ...oneOfService, run: (one, context) => change(one, 'retryJob', context) },
    discard: { ...oneOfService, run: (one, context) => change(one, 'discardJob', context) },
    run: {
      args: { method: '<method>' },
      async run({ method }, context) {
        if (!/^[\w.]+\/\w+$/.test(method))
          throw new UsageError(
            'name a method with a schedule, such as QuoteService/ExpireQuotes: rondo jobs ls lists them',
          );
        const [name] = method.split('/');
        const job = await askService({ ...JOBS, name, call: (all, how) => all.runSchedule({ method }, how) }, context);
        return changed(job, 'is due');
      },
    },
  },
});

async function change(
  { id, name }: { readonly id: string; readonly name: string | undefined },
  call: 'retryJob' | 'discardJob',
  context: CommandContext,
): Promise<Printed> {
  if (!/^\d{1,18}$/.test(id)) throw new UsageError('name an id: rondo jobs ls lists them');
  const job = await askService({ ...JOBS, name, call: (all, how) => all[call]({ id: BigInt(id) }, how) }, context);
  if (call === 'retryJob') return changed(job, 'is tried again');
  const runs = job.state === JobState.JOB_STATE_RUNNING;
  return changed(job, `is discarded${runs ? '; an attempt runs, and is cancelled within two seconds' : ''}`);
}

const changed = (job: Job, what: string): Printed => ({
  json: view(job),
  text: `${printable(`${job.method} ${job.key}`)} ${what}\n`,
});

const stateOf = ({ state }: Job) => enumName(JobState[state], 'JOB_STATE_', state);

const view = (job: Job) => ({ ...job, state: stateOf(job) });

function format({ methods, jobs: found }: ListJobsResponse, nowMs: number): string {
  const counts = methods.map(({ method, waiting, running, failed, schedule }) => [
    ...[method, waiting, running, failed],
    ...(schedule === undefined
      ? ['-', '-', '-']
      : [`${schedule.cron} ${schedule.timeZone}`, timeOf(schedule.nextTime), schedule.skipped]),
  ]);
  const rows = found.map((job) => [
    ...[job.id, job.method, job.key, stateOf(job), timeOf(job.dueTime), ageOf(job.createTime, nowMs)],
    ...[job.attempts, job.refusals, job.error || job.progress || '-'],
  ]);
  const heading = ['METHOD', 'WAITING', 'RUNNING', 'FAILED', 'SCHEDULE', 'NEXT', 'SKIPPED'];
  const titles = ['JOB', 'METHOD', 'KEY', 'STATE', 'DUE', 'AGE', 'TRIES', 'REFUSED', 'WHY'];
  return formatTable([heading, ...counts]) + (rows.length === 0 ? '' : `\n${formatTable([titles, ...rows])}`);
}
