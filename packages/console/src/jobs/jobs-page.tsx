import type { InstanceJobs } from '@rondo/contracts/rondo/gateway/v1/console';
import type { Job } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { useState } from 'preact/hooks';
import { consoleService } from '../access.js';
import { type EventOf, useStream } from '../calls/use-stream.js';
import { ConnectionLine } from '../page/connection-line.js';
import { Dialog } from '../page/dialog.js';
import type { Json } from '../page/json.js';
import { Table } from '../page/table.js';
import { type Silent, SilentInstances, takeSilent } from '../ui/silent.js';
import { formatDate } from '../ui/text.js';

/** What was told of jobs, by the first method of the service: replicas of a service tell the same, and the last word counts. */
interface Told {
  readonly byService: ReadonlyMap<string, Json<InstanceJobs>>;
  readonly silent: Silent;
}

function takeJobs(before: Told | undefined, event: EventOf<'watchJobs'>): Told {
  const byService = new Map(before?.byService);
  for (const one of event.told ?? []) byService.set(one.methods?.[0]?.method ?? '', one);
  return { byService, silent: takeSilent(before?.silent, event) };
}

/** A job, and an instance that resolves it. */
type Shown = Json<Job> & { readonly instanceId: string };

interface Doing {
  readonly job: Shown;
  readonly discard: boolean;
}

const MAX_ROWS = 200;
const isFailed = ({ state }: Json<Job>) => state === 'JOB_STATE_FAILED';
const idOf = ({ method = '', id = '' }: Json<Job>) => `${method} ${id}`;

/** The jobs that wait, run or have failed, and the schedules. */
export function JobsPage() {
  const { told, connection } = useStream({ method: 'watchJobs', request: {}, take: takeJobs });
  const [doing, setDoing] = useState<Doing>();
  const services = [...(told?.byService.values() ?? [])];
  const methods = services.flatMap(({ methods: all = [] }) => all);
  const all = services.flatMap(({ jobs = [], instanceId = '' }) => jobs.map((job) => ({ ...job, instanceId })));
  const jobs = [...all.filter(isFailed), ...all.filter((job) => !isFailed(job))];
  return (
    <div class="page">
      <h2>Jobs</h2>
      <ConnectionLine connection={connection} />
      {methods.length > 0 ? (
        <Table
          rows={methods}
          keyOf={({ method = '' }) => method}
          most={MAX_ROWS}
          columns={[
            ['Method', ({ method }) => method],
            ['Waiting', ({ waiting }) => waiting ?? 0],
            ['Running', ({ running }) => running ?? 0],
            ['Failed', ({ failed }) => failed ?? 0],
            ['Schedule', ({ schedule }) => schedule && `${schedule.cron} ${schedule.timeZone}`],
            ['Next', ({ schedule }) => schedule && formatDate(schedule.nextTime)],
            ['Skipped', ({ schedule }) => schedule && (schedule.skipped ?? 0)],
          ]}
        />
      ) : (
        <p>{told ? 'No method is a job.' : 'Nothing is known yet.'}</p>
      )}
      {jobs.length > 0 && <Jobs rows={jobs} onDo={setDoing} />}
      {told && <SilentInstances silent={told.silent} />}
      {doing && <ResolveDialog {...doing} onClose={() => setDoing(undefined)} />}
    </div>
  );
}

interface JobsProps {
  readonly rows: readonly Shown[];
  readonly onDo: (doing: Doing) => void;
}

const Jobs = ({ rows, onDo }: JobsProps) => (
  <>
    <h3>Not done, those that failed first</h3>
    <Table
      rows={rows}
      keyOf={idOf}
      most={MAX_ROWS}
      isFailed={isFailed}
      columns={[
        ['Job', idOf],
        ['Key', ({ key }) => key],
        ['State', ({ state }) => state?.replace('JOB_STATE_', '')],
        ['Due', ({ dueTime }) => formatDate(dueTime)],
        ['Attempts', ({ attempts }) => attempts ?? 0],
        ['Told', ({ error, progress }) => [progress, error].filter(Boolean).join('; ')],
        [
          'Resolve',
          (job) =>
            [false, true].map((discard) => (
              <button key={String(discard)} type="button" onClick={() => onDo({ job, discard })}>
                {discard ? 'Discard' : 'Retry'}
              </button>
            )),
        ],
      ]}
    />
  </>
);

function ResolveDialog({ job, discard, onClose }: Doing & { readonly onClose: () => void }) {
  const { instanceId, id = '' } = job;
  return (
    <Dialog
      title={`${discard ? 'Discard' : 'Retry'} ${idOf(job)}?`}
      action={discard ? 'Discard it' : 'Retry it'}
      leave="Leave it"
      onAct={() => consoleService.call('resolveJob', { instanceId, id, discard })}
      onClose={onClose}
    >
      <p>
        {discard
          ? 'The job is removed, and an attempt that runs is cancelled.'
          : 'It is tried now, with as many attempts as a new one.'}
      </p>
    </Dialog>
  );
}
