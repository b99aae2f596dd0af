import type { FigurePart } from '@rondo/contracts/rondo/gateway/v1/console';
import { useStream } from '../calls/use-stream.js';
import { FiguresView, useFigures } from '../figures/figures-view.js';
import type { Scope } from '../figures/read-figures.js';
import { type Fleet, takeFleet } from '../fleet/watch.js';
import type { Json } from '../page/json.js';
import { Table } from '../page/table.js';
import { Badge, Empty, Head, Tile } from '../ui/parts.js';
import { counted, figure, latencyOf, share } from '../ui/text.js';
import { problemsOf } from './problems.js';

const [MAX_ROWS, MAX_PROBLEMS] = [100, 8];

/** Whether the system is well, and its last hour; or the last hour of a service or a method. */
export function OverviewPage({ service, method }: Required<Pick<Scope, 'service' | 'method'>>) {
  return service === '' ? <System /> : <Part key={`${service}/${method}`} service={service} method={method} />;
}

function System() {
  const { told: fleet, connection } = useStream({ method: 'watchFleet', request: {}, take: takeFleet });
  const { told: figures } = useFigures({});
  const last = figures?.steps.at(-1);
  const { callsPerSecond = 0, errorsPerSecond = 0, refusedPerSecond = 0 } = last ?? {};
  const serving = fleet?.instances.filter(({ state }) => state === 'serving').length ?? 0;
  return (
    <div class="page">
      <Head title="Overview" connection={connection} />
      {fleet && <Health fleet={fleet} />}
      <div class="cards">
        <Tile name="Calls" value={last ? `${figure(callsPerSecond)}/s` : '–'} note="answered by all services" />
        <Tile
          name="Errors"
          value={last ? share(errorsPerSecond / (callsPerSecond || 1)) : '–'}
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
          value={fleet ? `${serving} of ${fleet.instances.length}` : '–'}
          tone={fleet && serving < fleet.instances.length ? 'warn' : ''}
          note="serving"
        />
      </div>
      <h3>The last hour</h3>
      <FiguresView figures={figures} scope={{}} />
      <h3>Services</h3>
      <Parts parts={figures?.parts ?? []} title="Service" hrefOf={(name) => `#/overview/${name}`} />
    </div>
  );
}

/** The answer to whether the system is well. */
function Health({ fleet }: { readonly fleet: Fleet }) {
  const problems = problemsOf(fleet);
  if (fleet.instances.length === 0)
    return <Empty what="No instance is registered" hint="Start a service: it appears here as soon as it registers." />;
  if (problems.length === 0) return <p class="banner good">All is well: each instance serves, and no call fails.</p>;
  const worst = problems[0]?.tone ?? '';
  return (
    <section class={`banner ${worst}`}>
      <strong>{counted(problems.length, 'problem')}</strong>
      <ul class="problems">
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
  const { told: figures, connection } = useFigures({ service, method });
  const name = method === '' ? service : `${service}/${method}`;
  return (
    <div class="page">
      <Head title={name} connection={connection}>
        {method !== '' && <a href={`#/overview/${service}`}>All methods</a>}
        <a href={`#/methods/${name}`}>{method === '' ? 'Contract' : 'Contract and form'}</a>
        <a href={`#/traces/?${new URLSearchParams({ order: 'slowest', name: `${service}/${method}` })}`}>
          Slowest traces
        </a>
        <a href="#/overview">All services</a>
      </Head>
      <FiguresView figures={figures} scope={{ service, method }} />
      {method === '' && (
        <>
          <h3>Methods</h3>
          <Parts parts={figures?.parts ?? []} title="Method" hrefOf={(one) => `#/overview/${service}/${one}`} />
        </>
      )}
    </div>
  );
}

interface PartsProps {
  readonly parts: readonly Json<FigurePart>[];
  readonly title: string;
  readonly hrefOf: (name: string) => string;
}

const Parts = ({ parts, title, hrefOf }: PartsProps) =>
  parts.length === 0 ? (
    <Empty what="No calls yet" hint="Make one by the form of a method, or run npm run seed for the samples." />
  ) : (
    <Table
      rows={parts}
      keyOf={({ name = '' }) => name}
      most={MAX_ROWS}
      isFailed={({ last }) => (last?.errorsPerSecond ?? 0) > 0}
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
