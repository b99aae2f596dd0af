import type { InstanceJobs } from '@rondo/contracts/rondo/gateway/v1/console';
import type { Job } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { useState } from 'preact/hooks';
import { consoleService } from '../access.js';
import { type EventOf, useStream } from '../calls/use-stream.js';
import type { Json } from '../page/json.js';
import { Table } from '../page/table.js';
import { Badge, Empty, Head, type Tone } from '../ui/parts.js';
import { type Silent, SilentInstances, takeSilent } from '../ui/silent.js';
import { formatDate } from '../ui/text.js';
import { Ask, aboutCall, hasFailed, Lane, type Question, QuestionDialog } from './question.js';

/** The jobs known, by the first method of the service: replicas of a service report the same, and the last report counts. */
interface Known {
  readonly byService: ReadonlyMap<string, Json<InstanceJobs>>;
  readonly silent: Silent;
}

function takeJobs(before: Known | undefined, event: EventOf<'watchJobs'>): Known {
  const byService = new Map(before?.byService);
  for (const one of event.told ?? []) byService.set(one.methods?.[0]?.method ?? '', one);
  return { byService, silent: takeSilent(before?.silent, event) };
}

/** A job, and an instance that resolves it. */
type Shown = Json<Job> & { readonly instanceId: string };

const MAX_ROWS = 200;
const TONES: Readonly<Record<string, Tone>> = { JOB_STATE_FAILED: 'fault', JOB_STATE_RUNNING: 'good' };
const isFailed = ({ state }: Json<Job>) => state === 'JOB_STATE_FAILED';
const idOf = ({ method = '', id = '' }: Json<Job>) => `${method} ${id}`;

/** The jobs that wait, run or have failed, and the schedules. */
export function JobsPage() {
  const { told, connection } = useStream({ method: 'watchJobs', request: {}, take: takeJobs });
  const [question, ask] = useState<Question>();
  const services = [...(told?.byService.values() ?? [])];
  const methods = services.flatMap(({ methods: all = [] }) => all);
  const all = services.flatMap(({ jobs = [], instanceId = '' }) => jobs.map((job) => ({ ...job, instanceId })));
  const jobs = [...all.filter(isFailed), ...all.filter((job) => !isFailed(job))];
  return (
    <div class="page">
      <Head title="Jobs" connection={connection} />
      {methods.length > 0 ? (
        <Table
          rows={methods}
          keyOf={({ method = '' }) => method}
          most={MAX_ROWS}
          isFailed={hasFailed}
          columns={[
            ['Method', ({ method }) => method],
            ['State', (method) => <Lane of={method} stopped="some failed" />],
            ['Waiting', ({ waiting }) => waiting ?? 0, 'number'],
            ['Running', ({ running }) => running ?? 0, 'number'],
            ['Failed', ({ failed }) => failed ?? 0, 'number'],
            ['Schedule', ({ schedule }) => schedule && `${schedule.cron} ${schedule.timeZone}`],
            ['Next', ({ schedule }) => schedule && formatDate(schedule.nextTime)],
            ['Skipped', ({ schedule }) => schedule && (schedule.skipped ?? 0), 'number'],
          ]}
        />
      ) : (
        <Empty
          what={told ? 'No method is a job' : 'Nothing is known yet'}
          hint="A method is one by its option job: see the guide Jobs."
        />
      )}
      {jobs.length > 0 && <Jobs rows={jobs} onAsk={ask} />}
      {told && <SilentInstances silent={told.silent} />}
      {question && <QuestionDialog question={question} onClose={() => ask(undefined)} />}
    </div>
  );
}

const questionsOf = (job: Shown) =>
  aboutCall(idOf(job), (discard) => {
    const { instanceId, id = '' } = job;
    return consoleService.call('resolveJob', { instanceId, id, discard });
  });

interface JobsProps {
  readonly rows: readonly Shown[];
  readonly onAsk: (question: Question) => void;
}

const Jobs = ({ rows, onAsk }: JobsProps) => (
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
        [
          'State',
          ({ state = '' }) => <Badge tone={TONES[state] ?? ''}>{state.replace('JOB_STATE_', '').toLowerCase()}</Badge>,
        ],
        ['Due', ({ dueTime }) => formatDate(dueTime)],
        ['Attempts', ({ attempts }) => attempts ?? 0, 'number'],
        ['Progress and last error', ({ error, progress }) => [progress, error].filter(Boolean).join('; ')],
        ['Resolve', (job) => <Ask questions={questionsOf(job)} onAsk={onAsk} />],
      ]}
    />
  </>
);
