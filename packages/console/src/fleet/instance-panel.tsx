import { useStream } from '../calls/use-stream.js';
import { figure, latency, share } from '../ui/figures.js';
import { visible } from '../ui/text.js';
import { type Caller, type Callers, takeCallers } from './callers.js';
import type { Instance, State } from './watch.js';
import { whyPicked } from './why.js';

interface PanelProps {
  readonly id: string;
  readonly instances: readonly Instance[];
  /** Where the page is without the panel. */
  readonly back: string;
  readonly onAct: (instance: Instance) => void;
}

/** One instance: what it is, what it does, and why each of its callers picks it or doesn't. */
export function InstancePanel({ id, instances, back, onAct }: PanelProps) {
  const stream = useStream<Callers>({ method: 'WatchInstance', request: { instanceId: id }, take: takeCallers });
  const { callers = [], more = 0 } = stream.told ?? {};
  const instance = instances.find((one) => one.id === id);
  return (
    <section class="panel" aria-labelledby="instance">
      <h3 id="instance">{visible(id)}</h3>
      <a href={back}>Close</a>
      {instance === undefined ? (
        <p>No instance of this name is registered now.</p>
      ) : (
        <>
          <Facts instance={instance} onAct={onAct} />
          <h4>Who may call it, and why it is picked or isn’t</h4>
          {callers.length === 0 && (
            <p>
              {stream.connection === 'live'
                ? 'No process has called its services yet, as far as is known.'
                : 'Asking …'}
            </p>
          )}
          {callers.length > 0 && <CallerTable {...{ callers, instance, instances }} />}
          {more > 0 && <p>And {more} callers more, with fewer calls.</p>}
        </>
      )}
    </section>
  );
}

/** What the states mean. */
export const STATE_TEXTS: Readonly<Record<State, string>> = {
  starting: 'It isn’t ready yet: no caller picks it.',
  serving: 'It takes calls.',
  draining: 'It finishes its calls, and then ends: no caller picks it.',
  cordoned: 'An operator has taken it out: no caller picks it until it is uncordoned.',
  unknown: 'Its state isn’t known.',
};

const WEIGHT = 'relative to the others; RONDO_WEIGHT sets it when the process starts';

function Facts({ instance, onAct }: { readonly instance: Instance; readonly onAct: PanelProps['onAct'] }) {
  const { state, load, services, address, version, zone, weight, registered, certificateEnd } = instance;
  const facts: readonly (readonly [string, string])[] = [
    ['State', `${state}. ${STATE_TEXTS[state]}`],
    ['Services', services.join(', ')],
    ['Answers', load ? `${figure(load.callsPerSecond)} calls/s, of which ${figure(load.errorsPerSecond)} fail` : '–'],
    ['In flight', figure(load?.callsInFlight)],
    ['Event loop busy', share(load?.cpuUtilization)],
    ['Version', version || 'unknown'],
    ['Zone', zone || 'unknown'],
    ['Weight', `${weight}, ${WEIGHT}`],
    ['Address', address],
    ['Registered', timeOf(registered)],
    ['Certificate', certificateEnd === '' ? 'none, as it has no TLS' : `ends ${timeOf(certificateEnd)}`],
  ];
  return (
    <>
      <dl class="facts">
        {facts.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <button type="button" onClick={() => onAct(instance)}>
        {state === 'cordoned' ? 'Uncordon' : 'Drain'} this instance …
      </button>
    </>
  );
}

const timeOf = (text: string) => (text === '' ? 'unknown' : new Date(text).toLocaleString());

interface CallerTableProps {
  readonly callers: readonly Caller[];
  readonly instance: Instance;
  readonly instances: readonly Instance[];
}

function CallerTable({ callers, instance, instances }: CallerTableProps) {
  return (
    <table>
      <thead>
        <tr>
          {['Caller', 'Service', 'Calls/s', 'p50 / p99', 'Failed/s', 'Share by weight', 'Why'].map((title) => (
            <th key={title} scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {callers.map((caller) => (
          <tr key={`${caller.id} ${caller.service}`}>
            <th scope="row">{caller.id}</th>
            <td data-title="Service">{caller.service}</td>
            <td data-title="Calls/s">{figure(caller.figures?.callsPerSecond)}</td>
            <td data-title="p50 / p99">{latency(caller.figures?.p50Ms, caller.figures?.p99Ms)}</td>
            <td data-title="Failed/s">{figure(caller.figures?.failuresPerSecond)}</td>
            <td data-title="Share by weight">{share(caller.share)}</td>
            <td data-title="Why">
              {whyPicked(
                caller,
                instance,
                instances.find(({ id }) => id === caller.id),
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
