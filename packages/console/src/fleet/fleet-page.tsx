import { useStream } from '../calls/use-stream.js';
import { Field } from '../page/form.js';
import { Table } from '../page/table.js';
import { Changes } from '../ui/change.js';
import { Badge, Empty, State, View } from '../ui/parts.js';
import { figure, share } from '../ui/text.js';
import { cordonOf } from './changes.js';
import { InstancePanel } from './instance-panel.js';
import { FleetMap } from './map.js';
import { type Instance, takeFleet } from './watch.js';
import { notPicked } from './why.js';

/** The page has at most 2,000 elements, however large the fleet is: fewer rows next to an instance that is shown. */
const [MAX_ROWS, MAX_ROWS_BELOW] = [50, 15];

interface FleetPageProps {
  /** The part of the address behind the page's own: a word that narrows the table, and the instance that is shown. */
  readonly path: readonly string[];
}

/** The map, the instances and one of them, live. */
export function FleetPage({ path: [filter = '', id = ''] }: FleetPageProps) {
  const { data, connection } = useStream({ method: 'watchFleet', request: {}, take: takeFleet });
  const { instances = [], isCurrent = true } = data ?? {};
  const why = data ? notPicked(data) : new Map<string, string>();
  const word = filter.trim().toLowerCase();
  const found = instances.filter((one) => isFound(one, word) || why.get(one.id)?.toLowerCase().includes(word));
  const shown = `#/fleet/${encodeURIComponent(filter)}`;
  return (
    <View title="Fleet" connection={connection}>
      {!isCurrent && (
        <p class="banner warn">The registry can’t be reached, or has just started: below is what was known last.</p>
      )}
      {data && id === '' && <FleetMap fleet={data} />}
      {id !== '' && <InstancePanel key={id} {...{ id, instances, back: shown, why: why.get(id) }} />}
      <h3>Instances</h3>
      <Field
        label="Show"
        inputMode="search"
        placeholder="name, service, state, zone or version"
        value={filter}
        onChange={(now) => location.replace(`#/fleet/${encodeURIComponent(now)}`)}
      />
      <Table
        rows={found}
        keyOf={(one) => one.id}
        most={id === '' ? MAX_ROWS : MAX_ROWS_BELOW}
        hint=": narrow them by a word above"
        isFailed={({ load }) => (load?.errorsPerSecond ?? 0) > 0}
        empty={
          instances.length > 0 ? (
            <Empty what="No instance fits" hint="Show others by another word." />
          ) : (
            <Empty of={data} what="No instance is registered" hint="One appears here as soon as it registers." />
          )
        }
        columns={[
          ['Instance', (one) => <a href={`${shown}/${encodeURIComponent(one.id)}`}>{one.id}</a>],
          ['State', ({ id: one, state }) => <Picked state={state} why={why.get(one)} />],
          ['Calls/s', ({ load }) => figure(load?.callsPerSecond), 'number'],
          ['Errors/s', ({ load }) => figure(load?.errorsPerSecond), 'number'],
          ['In flight', ({ load }) => figure(load?.callsInFlight), 'number'],
          ['Busy', ({ load }) => share(load?.cpuUtilization), 'number'],
          ['Version', ({ version }) => version],
          ['Zone', ({ zone }) => zone],
          ['Weight', ({ weight }) => weight, 'number'],
          ['Address', ({ address }) => address],
          ['Do', (one) => one.state !== 'lost' && <Changes of={[cordonOf(one)]} />],
        ]}
      />
    </View>
  );
}

/** What a caller does may differ from what the state says. */
const Picked = ({ state, why }: { readonly state: string; readonly why: string | undefined }) => (
  <>
    <State of={state} /> {state === 'serving' && why && <Badge tone="warn">not picked</Badge>}
  </>
);

const isFound = ({ id, name, services, state, zone = '', version = '' }: Instance, word: string) =>
  [id, name, ...services, state, zone, version].some((text) => text.toLowerCase().includes(word));
