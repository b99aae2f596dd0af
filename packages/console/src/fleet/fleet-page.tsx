import { useState } from 'preact/hooks';
import { Connection } from '../ui/connection.js';
import { CordonDialog } from './cordon-dialog.js';
import { type Fleet, type Instance, type State, useFleet } from './watch.js';

/** A page has a bounded number of elements, however large the fleet is. */
const MAX_ROWS = 100;

/** The instances, live. */
export function FleetPage() {
  const fleet = useFleet();
  const [filter, setFilter] = useState('');
  const [chosen, setChosen] = useState<Instance | undefined>();
  const found = fleet.instances.filter((instance) => isFound(instance, filter.trim().toLowerCase()));
  return (
    <div class="page">
      <h2>Fleet</h2>
      <Connection of={fleet} />
      {!fleet.isCurrent && (
        <p class="warn">The registry can’t be reached, or has just started: below is what was known last.</p>
      )}
      <Services instances={fleet.instances} onChoose={setFilter} />
      <p class="row">
        <label for="filter">Show</label>
        <input
          id="filter"
          type="search"
          placeholder="service, instance, state, zone or version"
          value={filter}
          onInput={({ currentTarget: { value } }) => setFilter(value)}
        />
      </p>
      {found.length === 0 ? (
        <p>{fleet.instances.length > 0 ? 'No instance fits.' : emptyText(fleet)}</p>
      ) : (
        <Table instances={found.slice(0, MAX_ROWS)} onChoose={setChosen} />
      )}
      {found.length > MAX_ROWS && (
        <p>
          The first {MAX_ROWS} of {found.length}: narrow them by a word above.
        </p>
      )}
      {chosen && <CordonDialog instance={chosen} onClose={() => setChosen(undefined)} />}
    </div>
  );
}

const emptyText = ({ connection }: Fleet) =>
  connection === 'live' ? 'No instance is registered. One appears here as soon as it is.' : 'Nothing is known yet.';

const isFound = ({ id, services, state, zone, version }: Instance, word: string) =>
  [id, ...services, state, zone, version].some((text) => text.toLowerCase().includes(word));

interface Choice<T> {
  readonly instances: readonly Instance[];
  readonly onChoose: (chosen: T) => void;
}

const MAX_SERVICES = 50;

/** How many instances each service has, by their states. */
function Services({ instances, onChoose }: Choice<string>) {
  const names = [...new Set(instances.flatMap(({ services }) => services))].sort().slice(0, MAX_SERVICES);
  return (
    <ul class="services">
      {names.map((name) => (
        <li key={name}>
          <button type="button" onClick={() => onChoose(name)}>
            {name} <small>{counted(instances.filter(({ services }) => services.includes(name)))}</small>
          </button>
        </li>
      ))}
    </ul>
  );
}

function counted(instances: readonly Instance[]): string {
  const counts = new Map<State, number>();
  for (const { state } of instances) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
}

const rate = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

function Table({ instances, onChoose }: Choice<Instance>) {
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
          <Row key={instance.id} instance={instance} onChoose={() => onChoose(instance)} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ instance, onChoose }: { readonly instance: Instance; readonly onChoose: () => void }) {
  const { id, state, load, version, zone, weight, address, registered } = instance;
  const action = state === 'cordoned' ? 'Uncordon' : 'Drain';
  const figure = (value: number | undefined) => (value === undefined ? '–' : rate.format(value));
  return (
    <tr>
      <th scope="row" title={registered === '' ? undefined : `registered ${registered}`}>
        {id}
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
        <button type="button" aria-label={`${action} ${id}`} onClick={onChoose}>
          {action}
        </button>
      </td>
    </tr>
  );
}
