import { useState } from 'preact/hooks';
import { useStream } from '../calls/use-stream.js';
import { Field } from '../page/form.js';
import { Table } from '../page/table.js';
import { Badge, Empty, Head, type Tone } from '../ui/parts.js';
import { figure, share } from '../ui/text.js';
import { type Act, ActDialog } from './act-dialog.js';
import { InstancePanel } from './instance-panel.js';
import { FleetMap } from './map.js';
import { type Instance, takeFleet } from './watch.js';

/** The page has at most 2,000 elements, however large the fleet is. */
const MAX_ROWS = 50;

interface FleetPageProps {
  /** The part of the address behind the page's own: a word that narrows the table, and the instance that is shown. */
  readonly path: readonly string[];
}

/** The map, the instances and one of them, live. */
export function FleetPage({ path: [filter = '', id = ''] }: FleetPageProps) {
  const { told, connection } = useStream({ method: 'watchFleet', request: {}, take: takeFleet });
  const [chosen, setChosen] = useState<Act | undefined>();
  const { instances, isCurrent } = told ?? { instances: [], isCurrent: true };
  const found = instances.filter((instance) => isFound(instance, filter.trim().toLowerCase()));
  const shown = `#/fleet/${encodeURIComponent(filter)}`;
  return (
    <div class="page">
      <Head title="Fleet" connection={connection} />
      {!isCurrent && (
        <p class="banner warn">The registry can’t be reached, or has just started: below is what was known last.</p>
      )}
      {told && <FleetMap fleet={told} />}
      {id !== '' && <InstancePanel key={id} {...{ id, instances, back: shown, onAct: setChosen }} />}
      <h3>Instances</h3>
      <Field
        label="Show"
        inputMode="search"
        placeholder="name, service, state, zone or version"
        value={filter}
        onChange={(word) => location.replace(`#/fleet/${encodeURIComponent(word)}`)}
      />
      {found.length === 0 ? (
        <Empty
          what={instances.length > 0 ? 'No instance fits' : told ? 'No instance is registered' : 'Nothing is known yet'}
          hint={instances.length > 0 ? 'Show others by another word.' : 'One appears here as soon as it registers.'}
        />
      ) : (
        <Table
          rows={found}
          keyOf={(one) => one.id}
          most={MAX_ROWS}
          hint=": narrow them by a word above"
          isFailed={({ load }) => (load?.errorsPerSecond ?? 0) > 0}
          columns={[
            ['Instance', (one) => <a href={`${shown}/${encodeURIComponent(one.id)}`}>{one.id}</a>],
            ['State', ({ state }) => <Badge tone={TONES[state] ?? ''}>{state}</Badge>],
            ['Calls/s', ({ load }) => figure(load?.callsPerSecond), 'number'],
            ['Errors/s', ({ load }) => figure(load?.errorsPerSecond), 'number'],
            ['In flight', ({ load }) => figure(load?.callsInFlight), 'number'],
            ['Busy', ({ load }) => share(load?.cpuUtilization), 'number'],
            ['Version', ({ version }) => version],
            ['Zone', ({ zone }) => zone],
            ['Weight', ({ weight }) => weight, 'number'],
            ['Address', ({ address }) => address],
            [
              'Do',
              (one) => <CordonButton instance={one} onChoose={(instance) => setChosen({ kind: 'cordon', instance })} />,
            ],
          ]}
        />
      )}
      {chosen && <ActDialog act={chosen} onClose={() => setChosen(undefined)} />}
    </div>
  );
}

/** What the states mean for the system. */
const TONES: Readonly<Record<string, Tone>> = { serving: 'good', starting: 'warn', draining: 'warn', cordoned: 'warn' };

const isFound = ({ id, name, services, state, zone = '', version = '' }: Instance, word: string) =>
  [id, name, ...services, state, zone, version].some((text) => text.toLowerCase().includes(word));

function CordonButton({
  instance,
  onChoose,
}: {
  readonly instance: Instance;
  readonly onChoose: (one: Instance) => void;
}) {
  const action = instance.state === 'cordoned' ? 'Uncordon' : 'Drain';
  return (
    <button type="button" aria-label={`${action} ${instance.id}`} onClick={() => onChoose(instance)}>
      {action}
    </button>
  );
}
