import { JobServiceDefinition, JobState } from '@rondo/contracts/rondo/jobs/v1/jobs';
import type { Database, OperatorAudit, Queries } from '@rondo/database';
import { callerIdentity, type ServerCall } from '@rondo/rpc/call';
import { mayOperate } from '@rondo/rpc/internal';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import type { JobMethod } from './contract.js';
import { jobErrors } from './errors.js';
import { Occurrences } from './occurrences.js';
import { isScheduled, listSchedules, runNow, type ScheduleRow } from './schedules.js';
import { countJobs, discardJob, isJob, type JobRow, listJobs, retryJob, storedMethods } from './store.js';

/** A schedule that can't be read is at no time. */
const readable = (schedule: Omit<ScheduleRow, 'method'>) =>
  new Occurrences(schedule).fault === undefined
    ? schedule
    : { ...schedule, cron: `${schedule.cron} (can't be read)`, nextTime: undefined };

interface OperatorServiceOptions {
  readonly database: Database;
  readonly jobs: readonly JobMethod[];
  /** A job is due. */
  readonly nudge: () => void;
  readonly audit: OperatorAudit | undefined;
}

/** The service by which `rondo jobs` shows and resolves jobs. */
export function createJobService({ database, jobs, nudge, audit }: OperatorServiceOptions): ServiceImplementation {
  const methods = jobs.map(({ name }) => name);
  const resolve = async (change: (transaction: Queries) => Promise<JobRow>, call: ServerCall) => {
    requireOperator(call);
    const row = await database.transaction(
      async (transaction) => {
        const changed = await change(transaction);
        await audit?.record(transaction, { name: `jobs/${changed.id}` });
        return changed;
      },
      { signal: call.signal },
    );
    nudge();
    return toJob(row);
  };
  const byId = (id: bigint, change: typeof retryJob) => async (transaction: Queries) => {
    const changed = await change(transaction, id);
    if (changed === undefined || !isJob(changed.method)) throw jobErrors.NO_JOB({ id: String(id) });
    return changed;
  };
  const now = (method: string) => {
    const job = jobs.filter(isScheduled).find(({ name }) => name === method || name.endsWith(`.${method}`));
    if (job === undefined) throw jobErrors.NO_SCHEDULE({ method });
    return (transaction: Queries) => runNow(transaction, job);
  };
  return implement(JobServiceDefinition, {
    async listJobs({ method }, call) {
      requireOperator(call);
      const { signal } = call;
      const all = new Set([...methods, ...(await storedMethods(database, { signal }))]);
      const wanted = [...all].filter((name) => method === '' || name === method);
      const [rows, counts, schedules] = await Promise.all([
        listJobs(database, wanted, { signal }),
        countJobs(database, wanted, { signal }),
        listSchedules(database, methods, { signal }),
      ]);
      const scheduleOf = new Map(schedules.map(({ method: name, ...schedule }) => [name, readable(schedule)]));
      return {
        methods: counts.map((count) => ({ ...count, schedule: scheduleOf.get(count.method) })),
        jobs: rows.map(toJob),
      };
    },
    retryJob: ({ id }, call) => resolve(byId(id, retryJob), call),
    discardJob: ({ id }, call) => resolve(byId(id, discardJob), call),
    runSchedule: ({ method }, call) => resolve(now(method), call),
  });
}

/** @throws RpcError for a caller that is no operator. */
export function requireOperator({ values }: Pick<ServerCall, 'values'>): void {
  if (!mayOperate({ values })) throw jobErrors.OPERATORS_ONLY({ caller: values.get(callerIdentity) });
}

function toJob({ running, failed, ...row }: JobRow) {
  const waiting = running ? JobState.JOB_STATE_RUNNING : JobState.JOB_STATE_WAITING;
  return { ...row, state: failed ? JobState.JOB_STATE_FAILED : waiting };
}
