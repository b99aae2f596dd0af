import type { KnownTrace } from '@rondo/operate/page';
import { useState } from 'preact/hooks';
import { type EventOf, useStream } from '../calls/use-stream.js';
import { useQuery } from '../page/frame.js';
import { Table } from '../page/table.js';
import { Badge, Empty, Search, View } from '../ui/parts.js';
import { counted, formatDate, formatTime, latencyOf, statusOf, ZONE } from '../ui/text.js';
import { type Order, sorted, type Traces, takeTraces } from './read-traces.js';
import { TraceView } from './trace-view.js';

/** The traces, live; or one, by its id. */
export const TracesPage = ({ at }: { readonly at: string }) =>
  at === '' ? <TraceList /> : <TraceView key={at} id={at} find={<FindForm />} />;

/** Finds the id in a text, such as an error's. */
const idIn = (text: string) => /(?<![\da-f])[\da-f]{32}(?![\da-f])/i.exec(text)?.[0].toLowerCase();

function FindForm() {
  const [fault, setFault] = useState('');
  const find = (text: string) => {
    const id = idIn(text);
    setFault(id === undefined ? 'There is no trace id in it: 32 hexadecimal digits.' : '');
    if (id !== undefined) location.hash = `#/traces/${id}`;
  };
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        find(String(new FormData(event.currentTarget).get('text')));
      }}
    >
      <label for="find">Find</label>
      <input
        id="find"
        name="text"
        type="search"
        placeholder="a trace id, or an error or a header with one"
        aria-describedby="find-fault"
        onPaste={(event) => find(event.clipboardData?.getData('text') ?? '')}
      />
      <button type="submit">Find</button>
      <span id="find-fault" class="fault" role="alert">
        {fault}
      </span>
    </form>
  );
}

const ORDERS = ['newest', 'slowest', 'refused', 'failed'] as const satisfies readonly Order[];

/** The milliseconds of a time in an address; 0 if there is none. */
const timeIn = (query: URLSearchParams, name: string): number => Date.parse(query.get(name) ?? '') || 0;

function TraceList() {
  const [query, choose] = useQuery('traces');
  const order = ORDERS.find((one) => one === query.get('order')) ?? 'newest';
  const [name, from, to] = [query.get('name') ?? '', timeIn(query, 'from'), timeIn(query, 'to')];
  const { data, connection } = useStream({
    method: 'watchTraces',
    request: {
      filter: {
        failed: order === 'failed',
        refused: order === 'refused',
        name,
        minEndUnixMs: from,
        maxStartUnixMs: to,
      },
      order: order === 'slowest' ? 'TRACE_ORDER_SLOWEST' : 'TRACE_ORDER_NEWEST',
    },
    take: (before: Traces | undefined, event: EventOf<'watchTraces'>) => takeTraces(order, before, event),
  });
  return (
    <View title="Traces" connection={connection} silent={data?.silent} head={<FindForm />}>
      <div class="row">
        {ORDERS.map((one) => (
          <button key={one} type="button" aria-pressed={order === one} onClick={() => choose('order', one)}>
            {one}
          </button>
        ))}
        <Search label="with a span named like" value={name} onEnter={(value) => choose('name', value)} />
        {from > 0 && (
          <span class="quiet">
            from {formatDate(new Date(from).toISOString())} to {formatDate(new Date(to).toISOString())},{' '}
            <a href="#/traces">any time</a>
          </span>
        )}
      </div>
      <Table
        rows={data ? sorted(data.parts, order) : []}
        keyOf={({ traceId }) => traceId}
        holds
        isFailed={({ failedSpans }) => failedSpans > 0}
        empty={
          <Empty
            of={data}
            what="No trace fits"
            hint={
              from > 0
                ? 'Instances keep the traces of the last minutes only: RONDO_RECENT_BYTES says how many.'
                : 'One appears here as soon as a call ends.'
            }
          />
        }
        columns={[
          ['Begins with', ({ traceId, name: first }) => <a href={`#/traces/${traceId}`}>{first}</a>],
          ['Ended', (trace) => <Outcome trace={trace} />],
          [`Start (${ZONE})`, ({ startUnixMs }) => formatTime(startUnixMs)],
          ['Took', ({ durationMs }) => latencyOf(durationMs), 'number'],
          ['Spans', ({ spans }) => spans, 'number'],
          ['Instances', ({ instances }) => instances.join(', ')],
        ]}
      />
      {data && data.leftOut > 0 && <p class="warn">{counted(data.leftOut, 'trace')} left out: they come too fast.</p>}
    </View>
  );
}

/** How the first call of a trace ended, and whether others failed. */
function Outcome({ trace: { status: code, refused, failedSpans } }: { readonly trace: KnownTrace }) {
  const status = code === 'left' || code === '' ? code : statusOf(code);
  if (refused) return <Badge tone="warn">{`refused: ${status}`}</Badge>;
  const hasLeft = status === 'left' || status === 'CANCELLED';
  if (failedSpans > 0 && (status === 'OK' || hasLeft))
    return <Badge tone="warn">{`${status}, ${counted(failedSpans, 'span')} failed`}</Badge>;
  if (failedSpans > 0) return <Badge tone="fault">{`failed: ${status || counted(failedSpans, 'span')}`}</Badge>;
  return <Badge tone={hasLeft ? '' : 'good'}>{status || 'ended'}</Badge>;
}
