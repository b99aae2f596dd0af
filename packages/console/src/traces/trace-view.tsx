import { describeSpan, type TraceNode, treeOf, walk } from '@rondo/operate/page';
import type { ComponentChildren } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { useStream } from '../calls/use-stream.js';
import { LogLines } from '../logs/log-lines.js';
import { ConnectionLine } from '../page/connection-line.js';
import { Badge, Empty, View } from '../ui/parts.js';
import { SilentInstances } from '../ui/silent.js';
import { counted, formatMs, formatTime, ZONE } from '../ui/text.js';
import { type Trace, takeTrace } from './read-traces.js';
import { Waterfall } from './waterfall.js';

/** A page has a bounded number of elements, however many lines there are. */
const MAX_LINES = 60;

interface TraceProps {
  readonly id: string;
  /** Finds another trace. */
  readonly find: ComponentChildren;
}

/** One trace. */
export function TraceView({ id, find }: TraceProps) {
  const [round, setRound] = useState(0);
  const head = (
    <>
      <a href="#/traces">All traces</a>
      <button type="button" onClick={() => setRound(round + 1)}>
        Ask again
      </button>
      {find}
    </>
  );
  return (
    <View title="Trace" head={head}>
      <Spans key={round} id={id} />
    </View>
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
  return (
    <>
      <ConnectionLine connection={connection} />
      {data && roots.length > 0 && (
        <>
          <p>
            <code>{id}</code> {connection.kind === 'over' && <Whole trace={data} roots={roots} />}
          </p>
          <Summary trace={data} roots={roots} />
          <Waterfall roots={roots} />
          <h3>Its log lines</h3>
          <LogLines filter={{ traceId: id }} most={MAX_LINES} />
        </>
      )}
      {connection.kind === 'over' && roots.length === 0 && (
        <Empty
          what={`No process has a trace ${id}`}
          hint={`It wasn’t sampled, hasn’t ended yet, or ended before ${formatTime(data?.completeSinceMs ?? 0)} ${ZONE}, since when all that answer have theirs.`}
        />
      )}
      {data && <SilentInstances silent={data.silent} />}
    </>
  );
}

/** `SPAN_KIND_CLIENT`: the enumeration would load the whole contract into the page. */
const CLIENT = 3;
/** With these, a call may have ended before its instance began. */
const EARLY = /^(?:UNAVAILABLE|CANCELLED|DEADLINE_EXCEEDED)$/;

/** Whether all spans have come, as far as the spans that came show it: a call that was answered has a span at its instance, too. */
function Whole({ trace, roots }: SummaryProps) {
  const lacking = [...walk(roots)].flatMap(({ node: { span, children } }) => {
    const { 'rondo.instance': to, 'rpc.response.status_code': status = '' } = span.attributes;
    return span.kind !== CLIENT || children.length > 0 || to === undefined || EARLY.test(status) ? [] : [to];
  });
  const of = [...new Set(lacking)].join(', ');
  if (lacking.length > 0)
    return (
      <>
        <Badge tone="warn">Incomplete</Badge> {counted(lacking.length, 'call')} to {of}{' '}
        {lacking.length === 1 ? 'has' : 'have'} no spans from there: the instance dropped them, keeps none, or doesn’t
        answer.
      </>
    );
  const isWhole = trace.lost === 0 && trace.silent.size === 0;
  return isWhole ? <Badge tone="good">Complete</Badge> : <Badge tone="warn">Incomplete</Badge>;
}

interface SummaryProps {
  readonly trace: Trace;
  readonly roots: readonly TraceNode[];
}

/** Says in a sentence where the time went. */
function Summary({ trace, roots }: SummaryProps) {
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
