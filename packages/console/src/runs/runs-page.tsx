import { useState } from 'preact/hooks';
import { consoleService } from '../access.js';
import { type Stream, useStream } from '../calls/use-stream.js';
import { Ask, type Question, QuestionDialog } from '../jobs/question.js';
import { Table } from '../page/table.js';
import { Badge, Bar, Empty, Facts, Head } from '../ui/parts.js';
import { SilentInstances } from '../ui/silent.js';
import { formatDate, latencyOf } from '../ui/text.js';
import { isStuck, placed, type Runs, reasonOf, runsIn, type ShownRun, stateOf, takeRuns } from './read-runs.js';

const MAX_ROWS = 200;

/** The runs of workflows; or one by its name, with its steps. */
export function RunsPage({ name }: { readonly name: string }) {
  const stream = useStream({ method: 'watchRuns', request: { name }, take: takeRuns });
  const [question, ask] = useState<Question>();
  const runs = stream.told ? runsIn(stream.told) : [];
  return (
    <div class="page">
      {name === '' ? (
        <RunList {...{ stream, runs, ask }} />
      ) : (
        <RunView {...{ stream, ask, name }} run={runs.find((one) => one.name === name)} />
      )}
      {stream.told && <SilentInstances silent={stream.told.silent} />}
      {question && <QuestionDialog question={question} onClose={() => ask(undefined)} />}
    </div>
  );
}

interface ShowProps {
  readonly stream: Stream<Runs>;
  readonly ask: (question: Question) => void;
}

const RunList = ({ stream: { told, connection }, runs, ask }: ShowProps & { readonly runs: readonly ShownRun[] }) => (
  <>
    <Head title="Runs" connection={connection} />
    {runs.length === 0 ? (
      <Empty
        what={told ? 'No workflow has run' : 'Nothing is known yet'}
        hint="A method is a workflow by its option workflow: see the guide Workflows."
      />
    ) : (
      <Table
        rows={runs}
        keyOf={({ name = '' }) => name}
        most={MAX_ROWS}
        isFailed={isStuck}
        columns={[
          ['Run', ({ name = '' }) => <a href={`#/runs/${name}`}>{name.replace(/^.*\//, '')}</a>],
          ['Workflow', ({ method }) => method],
          ['Key', ({ key }) => key],
          ['State', (run) => <State run={run} />],
          ['Why', reasonOf],
          ['Began', ({ createTime }) => formatDate(createTime)],
          ['Goes on', ({ dueTime }) => formatDate(dueTime)],
          ['Attempts', ({ attempts }) => attempts ?? 0, 'number'],
          ['Resolve', (run) => <Ask questions={questionsOf(run)} onAsk={ask} />],
        ]}
      />
    )}
  </>
);

interface RunProps extends ShowProps {
  readonly name: string;
  readonly run: ShownRun | undefined;
}

function RunView({ stream: { connection }, name, run, ask }: RunProps) {
  const reason = run === undefined ? '' : reasonOf(run);
  return (
    <>
      <Head title={run?.method?.replace(/^.*\//, '') ?? 'Run'} connection={connection}>
        {run && <State run={run} />}
        <a href="#/runs">All runs</a>
        {run && <Ask questions={questionsOf(run)} onAsk={ask} />}
      </Head>
      {run === undefined ? (
        <Empty what={`No run ${name} is known`} hint="Its service may be away, or may have forgotten it." />
      ) : (
        <>
          {reason !== '' && <p class={`banner ${isStuck(run) ? 'fault' : ''}`}>{reason}</p>}
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
    </>
  );
}

function Steps({ run }: { readonly run: ShownRun }) {
  const { rows, whole } = placed(run, Date.now());
  if (rows.length === 0) return <Empty what="No step has begun" />;
  return (
    <Table
      class="waterfall"
      rows={rows}
      keyOf={({ step: { name = '', undoing = false } }) => `${name} ${undoing}`}
      most={MAX_ROWS}
      isFailed={({ step: { error = '' } }) => error !== ''}
      columns={[
        ['Step', ({ step: { name } }) => name],
        ['Kind', ({ step: { kind, undoing } }) => (undoing ? `undo: ${kind}` : kind)],
        ['Began', ({ step: { beginTime } }) => formatDate(beginTime)],
        [
          'Took',
          ({ step: { endTime }, length }) => (endTime === undefined ? 'not ended' : latencyOf(length)),
          'number',
        ],
        ['When', ({ start, length }) => <Bar {...{ start, length, whole }} />],
        [
          'Outcome',
          ({ step: { error, repeated } }) => error || (repeated && 'a call before the restore may have made it, too'),
        ],
      ]}
    />
  );
}

function State({ run }: { readonly run: ShownRun }) {
  const [text, tone] = stateOf(run);
  return <Badge tone={tone}>{text}</Badge>;
}

/** What an operator can do to a run that hasn't ended. */
function questionsOf({ name = '', instanceId, endTime }: ShownRun): readonly Question[] {
  if (endTime !== undefined) return [];
  const act = (cancel: boolean) => () => consoleService.call('resolveRun', { instanceId, name, cancel });
  return [
    {
      ...{ verb: 'Retry', what: name, act: act(false) },
      text: 'It goes on now, with as many attempts as a new one. A call whose outcome its service may have forgotten is made again.',
    },
    {
      ...{ verb: 'Cancel', what: name, act: act(true) },
      text: 'What it has done is undone, then it ends as cancelled.',
    },
  ];
}
