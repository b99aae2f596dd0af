import { useEffect, useRef } from 'preact/hooks';
import { type EventOf, useStream } from '../calls/use-stream.js';
import { FiguresView, useFigures } from '../figures/figures-view.js';
import { LogLines } from '../logs/log-lines.js';
import { Table } from '../page/table.js';
import { Changes } from '../ui/change.js';
import { Facts } from '../ui/parts.js';
import { figure, formatDate, latency, share, visible } from '../ui/text.js';
import { cordonOf, restartOf, weightOf } from './changes.js';
import type { Instance } from './watch.js';
import { whyPicked } from './why.js';

const MAX_LINES = 20;

interface PanelProps {
  readonly id: string;
  readonly instances: readonly Instance[];
  /** Where the page is without the panel. */
  readonly back: string;
  /** Why no caller picks it, or some don't; undefined if they do. */
  readonly why: string | undefined;
}

/** One instance: what it is, what it does, and why each of its callers picks it or doesn't. */
export function InstancePanel({ id, instances, back, why }: PanelProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  // It opens above the table, in which the person who opens it may be far down.
  useEffect(() => heading.current?.focus(), []);
  const stream = useStream({
    method: 'watchInstance',
    request: { instanceId: id },
    take: (_: unknown, event: EventOf<'watchInstance'>) => event,
  });
  const { callers = [], more = 0, restartable = false } = stream.data ?? {};
  const instance = instances.find((one) => one.id === id);
  const { data: figures } = useFigures({ instanceId: id });
  const isLost = instance?.state === 'lost';
  return (
    <section class="panel" aria-labelledby="instance">
      <div class="head">
        <h3 id="instance" ref={heading} tabIndex={-1}>
          {visible(id)}
        </h3>
        <a href={back}>All instances</a>
      </div>
      {instance === undefined ? (
        <p>No instance of this name is registered now.</p>
      ) : (
        <>
          {!isLost && <h4>Who may call it, and why it is picked or isn’t</h4>}
          {/* If callers leave it out, their rows say why. */}
          {why && !callers.some(({ leftOut }) => leftOut) && <p class="banner warn">{why}</p>}
          <Table
            rows={callers}
            keyOf={(caller) => `${caller.instanceId} ${caller.service}`}
            empty={
              !isLost && (
                <p>{stream.data ? 'No process has called its services yet, as far as is known.' : 'Asking …'}</p>
              )
            }
            columns={[
              ['Caller', (caller) => caller.instanceId],
              ['Service', ({ service }) => service],
              ['Calls/s', ({ figures }) => figure(figures && (figures.callsPerSecond ?? 0)), 'number'],
              ['p50 / p99', ({ figures }) => latency(figures?.p50Ms, figures?.p99Ms), 'number'],
              ['Failed/s', ({ figures }) => figure(figures && (figures.failuresPerSecond ?? 0)), 'number'],
              ['Share by weight', (caller) => share(caller.share), 'number'],
              [
                'Why',
                (caller) => {
                  const from = instances.find((one) => one.id === caller.instanceId);
                  return whyPicked(caller, instance, from);
                },
              ],
            ]}
          />
          {more > 0 && <p>And {more} callers more, with fewer calls.</p>}
          <Facts of={factsOf(instance)} />
          {!isLost && (
            <p class="row">
              <Changes of={[cordonOf(instance), weightOf(instance), ...(restartable ? [restartOf(instance)] : [])]} />
            </p>
          )}
          <h4>The last hour{isLost && ', until it was lost'}</h4>
          <FiguresView figures={figures} scope={{ instanceId: id }} isOver={isLost} />
          {isLost ? (
            <p>
              It can’t be asked for its log lines: look where its process writes them. Other instances have{' '}
              <a href={`#/logs/?text=${encodeURIComponent(id)}`}>lines that name it</a>.
            </p>
          ) : (
            <>
              <h4>
                Its last log lines, <a href={`#/logs/?instance=${encodeURIComponent(id)}`}>live</a>
              </h4>
              <LogLines filter={{ level: 'info', last: MAX_LINES }} instanceId={id} most={MAX_LINES} />
            </>
          )}
        </>
      )}
    </section>
  );
}

function factsOf(instance: Instance): readonly (readonly [string, string])[] {
  const { state, load, services, address = '', version, zone, weight, registerTime, ...rest } = instance;
  const { certificateEndTime, frames } = rest;
  return [
    ['State', state],
    ['Services', services.join(', ')],
    ['Answers', load ? `${figure(load.callsPerSecond)} calls/s, of which ${figure(load.errorsPerSecond)} fail` : '–'],
    ['In flight', figure(load?.callsInFlight)],
    ['Event loop busy', share(load?.cpuUtilization)],
    ['Version', version || 'unknown'],
    ['Zone', zone || 'unknown'],
    ['Weight', `${weight}, relative to the others`],
    ['Address', address],
    ['Called by', frames === true ? 'frames, and gRPC' : 'gRPC'],
    ['Registered', timeOf(registerTime)],
    ['Certificate', certificateEndTime === undefined ? 'none, as it has no TLS' : `ends ${timeOf(certificateEndTime)}`],
  ];
}

const timeOf = (text: string | undefined) => (text === undefined ? 'unknown' : formatDate(text));
