import type { Job, JobMethod } from '@rondo/contracts/rondo/jobs/v1/jobs';
import type { Json } from '../page/json.js';
import { Table } from '../page/table.js';
import { Changes } from '../ui/change.js';
import { Empty, ErrorText, State } from '../ui/parts.js';
import { formatDate } from '../ui/text.js';
import { type At, itemsOf, resolveWork } from './watch.js';
import { COUNTS, changesOfCall, failedFirst, hasFailed, Lane, WorkPage } from './work-page.js';

const isFailed = ({ state }: Json<Job>) => state === 'JOB_STATE_FAILED';
const idOf = ({ method = '', id = '' }: Json<Job>) => `${method} ${id}`;
const methodOf = ({ method = '' }: Json<JobMethod>) => method;

/** The jobs that wait, run or have failed, and the schedules. */
export const JobsPage = () => (
  <WorkPage title="Jobs" kind="WORK_KIND_JOBS">
    {(work) => (
      <>
        <Table
          rows={itemsOf(work, ({ jobs }) => jobs?.methods, methodOf)}
          keyOf={methodOf}
          isFailed={hasFailed}
          empty={
            <Empty of={work} what="No method is a job" hint="A method is one by its option job: see the guide Jobs." />
          }
          columns={[
            ['Method', methodOf],
            ['State', (method) => <Lane of={method} stopped="some failed" />],
            ...COUNTS,
            ['Schedule', ({ schedule }) => schedule && `${schedule.cron} ${schedule.timeZone}`],
            ['Next', ({ schedule }) => schedule && formatDate(schedule.nextTime)],
            ['Skipped', ({ schedule }) => schedule && (schedule.skipped ?? 0), 'number'],
          ]}
        />
        <Table
          title="Not done, those that failed first"
          rows={failedFirst(
            itemsOf(work, ({ jobs }) => jobs?.jobs, idOf),
            isFailed,
          )}
          keyOf={idOf}
          isFailed={isFailed}
          empty={null}
          columns={[
            ['Job', idOf],
            ['Key', ({ key }) => key],
            ['State', ({ state }) => <State of={state} />],
            ['Due', ({ dueTime }) => formatDate(dueTime)],
            ['Attempts', ({ attempts }) => attempts ?? 0, 'number'],
            [
              'Progress and last error',
              ({ error, progress }) => <ErrorText>{[progress, error].filter(Boolean).join('; ')}</ErrorText>,
            ],
            ['Resolve', (job) => <Changes of={changesOf(job)} />],
          ]}
        />
      </>
    )}
  </WorkPage>
);

const changesOf = (job: At<Json<Job>>) =>
  changesOfCall(idOf(job), (verb) => resolveWork(job.instanceId, { [`${verb}Job`]: { id: job.id } }));
