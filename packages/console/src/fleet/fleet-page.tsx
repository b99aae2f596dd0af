import { useState } from 'preact/hooks';
import { useStream } from '../calls/use-stream.js';
import { Connection } from '../ui/connection.js';
import { figure } from '../ui/figures.js';
import { CordonDialog } from './cordon-dialog.js';
import { InstancePanel } from './instance-panel.js';
import { FleetMap } from './map.js';
import { type Fleet, type Instance, takeFleet } from './watch.js';

/** The page has at most 2,000 elements, however large the fleet is. */
const MAX_ROWS = 50;

interface FleetPageProps {
  /** The part of the address behind the page's own: a word that narrows the table, and the instance that is shown. */
  readonly path: readonly string[];
}

/** The map, the instances and one of them, live. */
export function FleetPage({ path: [filter = '', id = ''] }: FleetPageProps) {
  const { told, ...stream } = useStream<Fleet>({ method: 'WatchFleet', request: {}, take: takeFleet });
  const [chosen, setChosen] = useState<Instance | undefined>();
  const { instances, isCurrent } = told ?? { instances: [], isCurrent: true };
  const found = instances.filter((instance) => isFound(instance, filter.trim().toLowerCase()));
  const shown = `#/fleet/${encodeURIComponent(filter)}`;
  return (
    <div class="page">
      <h2>Fleet</h2>
      <Connection of={stream} />
      {!isCurrent && (
        <p class="warn">The registry can’t be reached, or has just started: below is what was known last.</p>
      )}
      {told && <FleetMap fleet={told} />}
      {id !== '' && <InstancePanel key={id} {...{ id, instances, back: shown, onAct: setChosen }} />}
      <h3>Instances</h3>
      <p class="row">
        <label for="filter">Show</label>
        <input
          id="filter"
          type="search"
          placeholder="name, service, state, zone or version"
          value={filter}
          onInput={({ currentTarget: { value } }) => location.replace(`#/fleet/${encodeURIComponent(value)}`)}
        />
      </p>
      {found.length === 0 ? (
        <p>
          {instances.length > 0
            ? 'No instance fits.'
            : told
              ? 'No instance is registered. One appears here as soon as it is.'
              : 'Nothing is known yet.'}
        </p>
      ) : (
        <Table instances={found.slice(0, MAX_ROWS)} shown={shown} onChoose={setChosen} />
      )}
      {found.length > MAX_ROWS && <p>And {found.length - MAX_ROWS} more: narrow them by a word above.</p>}
      {chosen && <CordonDialog instance={chosen} onClose={() => setChosen(undefined)} />}
    </div>
  );
}

const isFound = ({ id, name, services, state, zone, version }: Instance, word: string) =>
  [id, name, ...services, state, zone, version].some((text) => text.toLowerCase().includes(word));

interface TableProps {
  readonly instances: readonly Instance[];
  /** The address of the page as it is narrowed. */
  readonly shown: string;
  readonly onChoose: (chosen: Instance) => void;
}

function Table({ instances, shown, onChoose }: TableProps) {
  return (
    <table>
      <thead>
        <tr>
          {['Instance', 'State', 'Calls/s', 'Errors/s', 'In flight', 'Version', 'Zone', 'Weight', 'Address', 'Do'].map(
            (title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ),
          )}
        </tr>
      </thead>
      <tbody>
        {instances.map((instance) => (
          <Row key={instance.id} {...{ instance, shown, onChoose }} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ instance, shown, onChoose }: Omit<TableProps, 'instances'> & { readonly instance: Instance }) {
  const { id, state, load, version, zone, weight, address } = instance;
  const action = state === 'cordoned' ? 'Uncordon' : 'Drain';
  return (
    <tr>
      <th scope="row">
        <a href={`${shown}/${encodeURIComponent(id)}`}>{id}</a>
      </th>
      <td data-title="State">
        <span class={`state ${state}`}>{state}</span>
      </td>
      <td data-title="Calls/s">{figure(load?.callsPerSecond)}</td>
      <td data-title="Errors/s">{figure(load?.errorsPerSecond)}</td>
      <td data-title="In flight">{figure(load?.callsInFlight)}</td>
      <td data-title="Version">{version}</td>
      <td data-title="Zone">{zone}</td>
      <td data-title="Weight">{weight}</td>
      <td data-title="Address">{address}</td>
      <td>
        <button type="button" aria-label={`${action} ${id}`} onClick={() => onChoose(instance)}>
          {action}
        </button>
      </td>
    </tr>
  );
}
