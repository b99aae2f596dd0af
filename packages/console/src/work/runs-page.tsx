import type { Run, RunStep } from '@rondo/contracts/rondo/jobs/v1/runs';
import type { Json } from '../page/json.js';
import { Table } from '../page/table.js';
import { type Change, Changes } from '../ui/change.js';
import { Bar, Empty, ErrorText, Facts, State, View } from '../ui/parts.js';
import { formatDate, latencyOf } from '../ui/text.js';
import { type At, itemsOf, resolveWork, useWork, type Work } from './watch.js';
import { WorkPage } from './work-page.js';

type ShownRun = At<Json<Run>>;

const nameOf = ({ name = '' }: Json<Run>) => name;
const runsIn = (work: Work | undefined) => itemsOf(work, ({ runs }) => runs, nameOf);

/** The runs of workflows; or one by its name, with its steps. */
export const RunsPage = ({ name }: { readonly name: string }) =>
  name !== '' ? (
    <RunView name={name} />
  ) : (
    <WorkPage title="Runs" kind="WORK_KIND_RUNS">
      {(work) => (
        <Table
          rows={stuckFirst(runsIn(work))}
          keyOf={nameOf}
          isFailed={isStuck}
          empty={
            <Empty
              of={work}
              what="No workflow has run"
              hint="A method is a workflow by its option workflow: see the guide Workflows."
            />
          }
          columns={[
            ['Run', (run) => <a href={`#/runs/${run.name}`}>{nameOf(run).replace(/^.*\//, '')}</a>],
            ['Workflow', ({ method }) => method],
            ['Key', ({ key }) => key],
            ['State', ({ state, undoing }) => <State of={state} undoing={undoing} />],
            ['Why', (run) => <ErrorText>{reasonOf(run)}</ErrorText>],
            ['Began', ({ createTime }) => formatDate(createTime)],
            ['Goes on', ({ dueTime }) => formatDate(dueTime)],
            ['Attempts', ({ attempts }) => attempts ?? 0, 'number'],
            ['Resolve', (run) => <Changes of={changesOf(run)} />],
          ]}
        />
      )}
    </WorkPage>
  );

/** Whether a run waits for an operator, or for a process whose function fits. */
export const isStuck = ({ state }: Json<Run>): boolean => state === 'RUN_STATE_BLOCKED' || state === 'RUN_STATE_PARKED';

function stuckFirst(runs: readonly ShownRun[]): readonly ShownRun[] {
  const newestFirst = runs.toSorted(({ createTime: one = '' }, { createTime: other = '' }) => (one < other ? 1 : -1));
  return [...newestFirst.filter(isStuck), ...newestFirst.filter((run) => !isStuck(run))];
}

function RunView({ name }: { readonly name: string }) {
  const stream = useWork({ kinds: ['WORK_KIND_RUNS'], run: name });
  const run = runsIn(stream.data).find((one) => one.name === name);
  const head = (
    <>
      {run && <State of={run.state} undoing={run.undoing} />}
      <a href="#/runs">All runs</a>
      {run && <Changes of={changesOf(run)} />}
    </>
  );
  return (
    <View
      title={run?.method?.replace(/^.*\//, '') ?? 'Run'}
      connection={stream.connection}
      silent={stream.data?.silent}
      head={head}
    >
      {run === undefined ? (
        <Empty
          of={stream.data}
          what={`No run ${name} is known`}
          hint="Its service may be away, or may have forgotten it."
        />
      ) : (
        <>
          {reasonOf(run) !== '' && (
            <p class={`banner ${isStuck(run) ? 'fault' : ''}`}>
              <ErrorText>{reasonOf(run)}</ErrorText>
            </p>
          )}
          <Steps run={run} />
          <Facts
            of={[
              ['Name', name],
              ['Workflow', <a href={`#/methods/${run.method}`}>{run.method}</a>],
              ['Key', run.key],
              ['Started by', run.caller || 'its service'],
              ['Began', formatDate(run.createTime)],
              run.endTime === undefined ? ['Goes on', formatDate(run.dueTime)] : ['Ended', formatDate(run.endTime)],
              ['Attempts at the present step', run.attempts ?? 0],
            ]}
          />
        </>
      )}
    </View>
  );
}

/** A step, and its place on the time line of its run, in milliseconds from the run's begin. */
interface Placed extends Json<RunStep> {
  readonly start: number;
  readonly length: number;
}

/** Places the steps; one without an outcome lasts until now. Returns also how long all is. Milliseconds. */
function placed({ createTime = '', endTime, steps = [] }: ShownRun, nowMs: number) {
  const begin = Date.parse(createTime);
  const end = endTime === undefined ? nowMs : Date.parse(endTime);
  const rows = steps.map((step): Placed => {
    const start = Date.parse(step.beginTime ?? createTime) - begin;
    const stop = step.endTime === undefined ? end : Date.parse(step.endTime);
    return { ...step, start: Math.max(0, start), length: Math.max(0, stop - begin - start) };
  });
  return { rows, whole: Math.max(1, end - begin) };
}

function Steps({ run }: { readonly run: ShownRun }) {
  const { rows, whole } = placed(run, Date.now());
  return (
    <Table
      class="waterfall"
      rows={rows}
      keyOf={({ name = '', undoing = false }) => `${name} ${undoing}`}
      isFailed={({ error = '' }) => error !== ''}
      empty={<Empty what="No step has begun" />}
      columns={[
        ['Step', ({ name }) => name],
        ['Kind', ({ kind, undoing }) => (undoing ? `undo: ${kind}` : kind)],
        ['Began', ({ beginTime }) => formatDate(beginTime)],
        ['Took', ({ endTime, length }) => (endTime === undefined ? 'not ended' : latencyOf(length)), 'number'],
        ['When', ({ start, length }) => <Bar {...{ start, length, whole }} />],
        ['Trace', ({ traceId = '' }) => traceId !== '' && <a href={`#/traces/${traceId}`}>{traceId.slice(0, 8)}</a>],
        [
          'Outcome',
          ({ error, repeated }) =>
            error ? <ErrorText>{error}</ErrorText> : repeated && 'a call before the restore may have made it, too',
        ],
      ]}
    />
  );
}

/** Why the run doesn't go on now, or how it has ended; empty if it runs. */
function reasonOf({ error = '', dueTime, endTime, steps = [] }: Json<Run>): string {
  const open = steps.find((step) => step.endTime === undefined);
  const waits = open && WAITS[open.kind ?? '']?.(open.name ?? '');
  const until = dueTime === undefined || endTime !== undefined ? '' : `until ${formatDate(dueTime)}`;
  return [error, [waits, (waits || error) && until].filter(Boolean).join(' ')].filter(Boolean).join('; ');
}

/** What a step waits for that has no outcome yet, by its kind. */
const WAITS: Readonly<Record<string, (name: string) => string>> = {
  child: (name) => `waits for the workflow of ${name}`,
  sleep: (name) => `sleeps in ${name}`,
  wait: (name) => `waits for the signal of ${name}`,
};

/** What an operator can do to a run that hasn't ended. */
function changesOf({ name: what = '', instanceId, endTime }: ShownRun): readonly Change[] {
  if (endTime !== undefined) return [];
  return [
    {
      verb: 'Retry',
      what,
      act: () => resolveWork(instanceId, { retryRun: { name: what } }),
      text: 'It goes on now, with as many attempts as a new one. A call whose outcome its service may have forgotten is made again.',
    },
    {
      verb: 'Cancel',
      what,
      act: () => resolveWork(instanceId, { cancelRun: { name: what } }),
      text: 'What it has done is undone, then it ends as cancelled.',
    },
  ];
}
