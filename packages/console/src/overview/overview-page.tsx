import type { FigurePart } from '@rondo/contracts/rondo/gateway/v1/console';
import { useStream } from '../calls/use-stream.js';
import { FiguresView, useFigures } from '../figures/figures-view.js';
import type { Scope } from '../figures/read-figures.js';
import { type Fleet, takeFleet } from '../fleet/watch.js';
import type { Json } from '../page/json.js';
import { Table } from '../page/table.js';
import { Badge, Empty, Tile, View } from '../ui/parts.js';
import { counted, figure, latencyOf, share } from '../ui/text.js';
import { isReported, useWork } from '../work/watch.js';
import { type Problem, problemsOf, stuckIn } from './problems.js';

const MAX_PROBLEMS = 8;

/** Whether the system is well, and its last hour; or the last hour of a service or a method. */
export function OverviewPage({ service, method }: Required<Pick<Scope, 'service' | 'method'>>) {
  return service === '' ? <System /> : <Part key={`${service}/${method}`} service={service} method={method} />;
}

function System() {
  const { data: fleet, connection } = useStream({ method: 'watchFleet', request: {}, take: takeFleet });
  const { data: figures } = useFigures({});
  const work = useWork({ stuck: true });
  const stuck = work.data ? stuckIn(work.data, Date.now()) : [];
  const isKnown = work.data !== undefined && fleet !== undefined && isReported(work.data, fleet.instances);
  const last = figures?.steps.at(-1);
  const { callsPerSecond = 0, errorsPerSecond = 0, refusedPerSecond = 0 } = last ?? {};
  const serving = fleet?.instances.filter(({ state }) => state === 'serving').length ?? 0;
  return (
    <View title="Overview" connection={connection}>
      {fleet && <Health fleet={fleet} stuck={stuck} isKnown={isKnown} why={work.connection.why} />}
      <div class="cards">
        <Tile name="Calls" value={last ? `${figure(callsPerSecond)}/s` : '–'} note="answered by all services" />
        <Tile
          name="Errors"
          value={callsPerSecond > 0 ? share(errorsPerSecond / callsPerSecond) : '–'}
          tone={errorsPerSecond > 0 ? 'fault' : ''}
          note={`${figure(errorsPerSecond)}/s failed, ${figure(refusedPerSecond)}/s refused`}
        />
        <Tile
          name="Duration, p99"
          value={latencyOf(last?.p99Ms)}
          note={`half take at most ${latencyOf(last?.p50Ms)}`}
        />
        <Tile
          name="Instances"
          value={fleet ? `${figure(serving)} of ${figure(fleet.instances.length)}` : '–'}
          tone={fleet && serving < fleet.instances.length ? 'warn' : ''}
          note="serving"
        />
        <Tile
          name="Stored work"
          value={isKnown ? counted(stuck.length, 'problem') : '–'}
          tone={stuck.length > 0 ? 'fault' : ''}
          note="of jobs, runs, events and transactions"
        />
      </div>
      <h3>The last hour</h3>
      <FiguresView figures={figures} scope={{}} />
      <h3>Services</h3>
      <Parts parts={figures?.parts ?? []} title="Service" hrefOf={(name) => `#/overview/${name}`} />
    </View>
  );
}

interface HealthProps {
  readonly fleet: Fleet;
  readonly stuck: readonly Problem[];
  /** Whether instances have said what is stuck; if they can't be asked, `why`. */
  readonly isKnown: boolean;
  readonly why: string;
}

/** The answer to whether the system is well. */
function Health({ fleet, stuck, isKnown, why }: HealthProps) {
  if (fleet.instances.length === 0)
    return <Empty what="No instance is registered" hint="Start a service: it appears here as soon as it registers." />;
  const unknown: readonly Problem[] =
    why === '' ? [] : [{ tone: 'warn', text: `Stored work isn’t known: ${why}`, href: '#/jobs' }];
  const all = [...problemsOf(fleet, Date.now()), ...stuck, ...unknown];
  const problems = [...all.filter(({ tone }) => tone === 'fault'), ...all.filter(({ tone }) => tone !== 'fault')];
  if (problems.length === 0)
    return (
      <p class="banner good">
        {isKnown
          ? 'All is well: each instance serves and is picked, no call fails, and no work waits for an operator.'
          : 'Each instance serves and is picked, and no call fails. Asking for stored work …'}
      </p>
    );
  return (
    <section class={`banner ${problems[0]?.tone}`}>
      <strong>{counted(problems.length, 'problem')}</strong>
      <ul class="plain">
        {problems.slice(0, MAX_PROBLEMS).map(({ tone, text, href }) => (
          <li key={text}>
            <Badge tone={tone}>{tone === 'fault' ? 'failing' : 'warning'}</Badge> <a href={href}>{text}</a>
          </li>
        ))}
        {problems.length > MAX_PROBLEMS && <li>and {problems.length - MAX_PROBLEMS} more</li>}
      </ul>
    </section>
  );
}

function Part({ service, method }: Required<Pick<Scope, 'service' | 'method'>>) {
  const { data: figures, connection } = useFigures({ service, method });
  const name = method === '' ? service : `${service}/${method}`;
  return (
    <View
      title={name}
      connection={connection}
      head={
        <>
          {method !== '' && <a href={`#/overview/${service}`}>All methods</a>}
          <a href={`#/methods/${name}`}>{method === '' ? 'Contract' : 'Contract and form'}</a>
          <a href={`#/traces/?${new URLSearchParams({ order: 'slowest', name: `${service}/${method}` })}`}>
            Slowest traces
          </a>
          <a href="#/overview">All services</a>
        </>
      }
    >
      <FiguresView figures={figures} scope={{ service, method }} />
      {method === '' && (
        <>
          <h3>Methods</h3>
          <Parts parts={figures?.parts ?? []} title="Method" hrefOf={(one) => `#/overview/${service}/${one}`} />
        </>
      )}
    </View>
  );
}

interface PartsProps {
  readonly parts: readonly Json<FigurePart>[];
  readonly title: string;
  readonly hrefOf: (name: string) => string;
}

const Parts = ({ parts, title, hrefOf }: PartsProps) => (
  <Table
    rows={parts.toSorted(({ name: one = '' }, { name: other = '' }) => one.localeCompare(other))}
    keyOf={({ name = '' }) => name}
    isFailed={({ last }) => (last?.errorsPerSecond ?? 0) > 0}
    empty={<Empty what="No calls yet" hint="Make one by the form of a method, or run npm run seed for the samples." />}
    columns={[
      [title, ({ name = '' }) => <a href={hrefOf(name)}>{name}</a>],
      ['Calls/s', ({ last }) => figure(last?.callsPerSecond ?? 0), 'number'],
      ['Refused/s', ({ last }) => figure(last?.refusedPerSecond ?? 0), 'number'],
      ['Errors/s', ({ last }) => figure(last?.errorsPerSecond ?? 0), 'number'],
      ['p50', ({ last }) => latencyOf(last?.p50Ms), 'number'],
      ['p99', ({ last }) => latencyOf(last?.p99Ms), 'number'],
      ['In flight', ({ last }) => figure(last?.callsInFlight ?? 0), 'number'],
    ]}
  />
);
