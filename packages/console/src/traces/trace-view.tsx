import { describeSpan, type TraceNode, treeOf, walk } from '@rondo/operate/page';
import { useMemo, useState } from 'preact/hooks';
import { useStream } from '../calls/use-stream.js';
import { LogLines } from '../logs/log-lines.js';
import { ConnectionLine } from '../page/connection-line.js';
import { Empty, Head } from '../ui/parts.js';
import { SilentInstances } from '../ui/silent.js';
import { counted, formatMs, formatTime, ZONE } from '../ui/text.js';
import { type Trace, takeTrace } from './read-traces.js';
import { Waterfall } from './waterfall.js';

/** A page has a bounded number of elements, however many lines there are. */
const MAX_LINES = 60;

/** One trace, by its id or the beginning of it. */
export function TraceView({ id }: { readonly id: string }) {
  const [round, setRound] = useState(0);
  return (
    <>
      <Head title="Trace">
        <a href="#/traces">All traces</a>
        <button type="button" onClick={() => setRound(round + 1)}>
          Ask again
        </button>
      </Head>
      <Spans key={round} id={id} />
    </>
  );
}

function Spans({ id }: { readonly id: string }) {
  const { data, connection } = useStream({
    method: 'findTrace',
    request: { traceId: id },
    take: takeTrace,
    ends: true,
  });
  const roots = useMemo(() => treeOf(data?.spans ?? []), [data]);
  const [whole = id, another] = data?.ids ?? [];
  return (
    <>
      <ConnectionLine connection={connection} />
      {another !== undefined && (
        <>
          <p>Several traces begin so:</p>
          <ul>
            {[...(data?.ids ?? [])].map((one) => (
              <li key={one}>
                <a href={`#/traces/${one}`}>{one}</a>
              </li>
            ))}
          </ul>
        </>
      )}
      {data && roots.length > 0 && another === undefined && (
        <>
          <h3>
            <code>{whole}</code>
          </h3>
          <Summary trace={data} roots={roots} />
          <Waterfall roots={roots} />
          <h3>Its log lines</h3>
          <LogLines filter={{ traceId: whole }} most={MAX_LINES} />
        </>
      )}
      {connection.kind === 'over' && data?.ids.size !== undefined && data.ids.size === 0 && (
        <Empty
          what={`No process has a trace ${id}`}
          hint={`It wasn’t sampled, hasn’t ended yet, or ended before ${formatTime(data.completeSinceMs)} ${ZONE}, since when all that answer have theirs.`}
        />
      )}
      {data && <SilentInstances silent={data.silent} />}
    </>
  );
}

/** Says in a sentence where the time went. */
function Summary({ trace, roots }: { readonly trace: Trace; readonly roots: readonly TraceNode[] }) {
  const nodes = [...walk(roots)].map(({ node }) => node);
  const starts = nodes.map(({ span }) => span.startUnixMs);
  const ends = nodes.map(({ span }) => span.startUnixMs + span.durationMs);
  const longest = nodes.reduce((one, other) => (other.selfMs > one.selfMs ? other : one));
  const instances = new Set(trace.spans.map(({ instanceId }) => instanceId)).size;
  const failed = trace.spans.filter(({ error }) => error !== '').length;
  return (
    <p>
      {formatMs(Math.max(...ends) - Math.min(...starts))} ms, {counted(trace.spans.length, 'span')} in{' '}
      {counted(instances, 'instance')}
      {failed > 0 && <span class="fault">, {failed} failed</span>}
      {trace.lost > 0 && <span class="warn">, {trace.lost} more not kept</span>}. The longest by itself:{' '}
      <bdi>{describeSpan(longest.span)}</bdi>, {formatMs(longest.selfMs)} ms in {longest.span.instanceId}.
    </p>
  );
}
