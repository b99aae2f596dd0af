import {
  JobServiceDefinition as definition,
  type Job,
  JobState,
  type ListJobsResponse,
} from '@rondo/contracts/rondo/jobs/v1/jobs';
import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import type { CallOptions, Client } from '@rondo/rpc/client';
import { type CommandContext, defineCommand, type Printed } from '../command.js';
import { completeService } from '../completion/registered.js';
import { UsageError } from '../errors.js';
import { jsonOption, registryOption } from '../options.js';
import { askGroup, askGroups, groupsOf } from '../registry/groups.js';
import { registeredInstances } from '../registry/locate.js';
import { formatTable } from '../terminal/table.js';
import { formatAge, printable } from '../terminal/text.js';

/** What an operator changes, and what is then said. */
const CHANGES = { retry: 'is tried again', discard: 'is discarded', run: 'is due' } as const;
const isChange = (action: string): action is keyof typeof CHANGES => Object.hasOwn(CHANGES, action);

/** `rondo jobs`: shows the jobs of services, and lets an operator try one again or discard it. */
export const jobs = defineCommand({
  name: 'jobs',
  summary: 'Shows jobs and schedules; tries a failed job again, discards it, or runs a schedule now.',
  usage: 'ls [service] | retry <id> [service] | discard <id> [service] | run <method> [options]',
  details: [
    'A job is a call that a service has stored to make it later. A FAILED one was tried as often as its contract says, or failed',
    'for good: it waits for you. retry tries it again now; discard removes it, and cancels an attempt that runs. An id is unique',
    'in its service: name one if several have jobs, by a contract that it serves. run calls a method with a schedule now.',
  ].join('\n'),
  options: { ...registryOption, ...jsonOption },
  maxPositionals: 3,
  examples: [
    ['jobs ls', 'What waits, runs and has failed, and when schedules are due.'],
    ['jobs retry 17 QuoteService', 'Tries a failed job of the service again.'],
    ['jobs run QuoteService/ExpireQuotes', 'Calls the method now, and at its times as before.'],
    ['jobs ls --json | jq -e \'all(.methods[]; .failed == "0")\'', 'Fails if a job waits for an operator.'],
  ],
  complete: completeService,
  exitCodes: { FAILED: 'Refused, or a service could not be asked; standard error says why.' },
  async run({ values, positionals: [action = 'ls', ...rest] }, context) {
    const change = isChange(action) ? action : undefined;
    if (change === undefined && action !== 'ls')
      throw new UsageError('say what to do: rondo jobs ls, retry <id>, discard <id> or run <method>');
    const [subject = '', name = change === 'run' ? subject.split('/')[0] : undefined] = change ? rest : ['', ...rest];
    if (change === 'run' && !/^[\w.]+\/\w+$/.test(subject))
      throw new UsageError(
        'name a method with a schedule, such as QuoteService/ExpireQuotes: rondo jobs ls lists them',
      );
    if (change !== undefined && change !== 'run' && !/^\d{1,18}$/.test(subject))
      throw new UsageError('name an id: rondo jobs ls lists them');
    const { instances } = await registeredInstances(values.registry, context);
    const groups = groupsOf(instances, { serving: definition.fullName, name });
    if (groups.length === 0) throw new UsageError('no registered service has jobs: rondo ps lists what is registered');
    if (change === undefined) return await list(groups, context);
    const [group, another] = groups;
    if (group === undefined || another !== undefined)
      throw new UsageError('several services have jobs: name one after the id');
    const call = (client: Client<typeof definition>, options: CallOptions) => {
      if (change === 'run') return client.runSchedule({ method: subject }, options);
      const id = BigInt(subject);
      return change === 'retry' ? client.retryJob({ id }, options) : client.discardJob({ id }, options);
    };
    const job = await askGroup(group, { definition, call }, context.signal);
    const runs =
      change === 'discard' && job.state === JobState.JOB_STATE_RUNNING
        ? '; an attempt runs, and is cancelled within two seconds'
        : '';
    const told = `${printable(`${job.method} ${job.key}`)} ${CHANGES[change]}${runs}`;
    return { json: view(job), text: `${told}\n` };
  },
});

async function list(groups: readonly (readonly Instance[])[], context: CommandContext): Promise<Printed> {
  const told = await askGroups(
    groups,
    { definition, call: (client, options) => client.listJobs({}, options) },
    context,
  );
  const answers = told.map(({ answer }) => answer);
  const methods = answers.flatMap((answer) => answer.methods);
  const found = answers.flatMap((answer) => answer.jobs);
  const counts = methods.map(({ method, waiting, running, failed, schedule }) => ({
    ...{ method, waiting: `${waiting}`, running: `${running}`, failed: `${failed}` },
    schedule: viewSchedule(schedule),
  }));
  return {
    json: { methods: counts, jobs: found.map(view) },
    text: format({ methods, jobs: found }, context.clock.now()),
    failed: answers.length < groups.length,
  };
}

const stateOf = ({ state }: Job) => JobState[state]?.replace('JOB_STATE_', '') ?? 'UNKNOWN';

const view = (job: Job) => ({
  ...job,
  id: `${job.id}`,
  state: stateOf(job),
  dueTime: job.dueTime?.toISOString(),
  createTime: job.createTime?.toISOString(),
});

const viewSchedule = (schedule: ListJobsResponse['methods'][number]['schedule']) =>
  schedule && {
    ...{ ...schedule, skipped: `${schedule.skipped}` },
    ...{ nextTime: schedule.nextTime?.toISOString(), overlapTime: schedule.overlapTime?.toISOString() },
  };

function format({ methods, jobs: found }: ListJobsResponse, nowMs: number): string {
  const counts = methods.map(({ method, waiting, running, failed, schedule }) => [
    ...[method, `${waiting}`, `${running}`, `${failed}`],
    ...(schedule === undefined
      ? ['-', '-', '-']
      : [`${schedule.cron} ${schedule.timeZone}`, timeOf(schedule.nextTime), `${schedule.skipped}`]),
  ]);
  const rows = found.map((job) => [
    ...[`${job.id}`, job.method, printable(job.key), stateOf(job), timeOf(job.dueTime)],
    ...[job.createTime === undefined ? '-' : formatAge(nowMs - job.createTime.getTime())],
    ...[`${job.attempts}`, `${job.refusals}`],
    printable(job.error || job.progress || '-'),
  ]);
  const tables = [formatTable([METHODS, ...counts])];
  if (rows.length > 0) tables.push(formatTable([JOBS, ...rows]));
  return tables.join('\n');
}

const METHODS = ['METHOD', 'WAITING', 'RUNNING', 'FAILED', 'SCHEDULE', 'NEXT', 'SKIPPED'];
const JOBS = ['JOB', 'METHOD', 'KEY', 'STATE', 'DUE', 'AGE', 'TRIES', 'REFUSED', 'WHY'];

const timeOf = (time: Date | undefined) => time?.toISOString().replace(/\.\d+Z$/, 'Z') ?? '-';
