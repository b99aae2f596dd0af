import type { KnownTrace } from '@rondo/operate/page';
import { useState } from 'preact/hooks';
import { type EventOf, useStream } from '../calls/use-stream.js';
import { queryNow } from '../page/frame.js';
import { Table } from '../page/table.js';
import { Badge, Empty, View } from '../ui/parts.js';
import { counted, formatDate, formatTime, latencyOf, ZONE } from '../ui/text.js';
import { type Order, sorted, type Traces, takeTraces } from './read-traces.js';
import { TraceView } from './trace-view.js';

/** The traces, live; or one, by its id or the beginning of it. */
export const TracesPage = ({ at }: { readonly at: string }) => (at === '' ? <TraceList /> : <OneTrace id={at} />);

const OneTrace = ({ id }: { readonly id: string }) => (
  <div class="page">
    <FindForm />
    <TraceView key={id} id={id} />
  </div>
);

/** Finds the id in a text, such as an error's; a text of hexadecimal digits may be its beginning. */
const idIn = (text: string): string | undefined =>
  (/(?<![\da-f])[\da-f]{32}(?![\da-f])/i.exec(text) ?? /^\s*[\da-f]{4,31}\s*$/i.exec(text))?.[0].trim().toLowerCase();

function FindForm() {
  const [fault, setFault] = useState('');
  const find = (text: string) => {
    const id = idIn(text);
    setFault(id === undefined ? 'There is no trace id in it: 32 hexadecimal digits, or the first 4 or more.' : '');
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

interface NameInputProps {
  readonly name: string;
  readonly onChange: (name: string) => void;
}

/** Keeps what is typed while the list changes. */
function NameInput({ name, onChange }: NameInputProps) {
  const [typed, setTyped] = useState<string>();
  const end = (value: string) => {
    setTyped(undefined);
    onChange(value);
  };
  return (
    <input
      id="name"
      type="search"
      value={typed ?? name}
      onInput={({ currentTarget }) => setTyped(currentTarget.value)}
      onChange={({ currentTarget }) => end(currentTarget.value)}
    />
  );
}

function TraceList() {
  const query = queryNow();
  const order = ORDERS.find((one) => one === query.get('order')) ?? 'newest';
  const [name, from, to] = [query.get('name') ?? '', timeIn(query, 'from'), timeIn(query, 'to')];
  const [isPaused, setPaused] = useState(false);
  /** Goes to the list with another choice. It is in the address, so that it can be shared. */
  const choose = (key: string, value: string) => {
    const now = queryNow();
    now.set(key, value);
    location.hash = `#/traces/?${now}`;
  };
  const stream = useStream({
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
    isPaused,
  });
  const { data } = stream;
  return (
    <View title="Traces" stream={stream} head={<FindForm />}>
      <div class="row">
        {ORDERS.map((one) => (
          <button key={one} type="button" aria-pressed={order === one} onClick={() => choose('order', one)}>
            {one}
          </button>
        ))}
        <label for="name">with a span named like</label>
        <NameInput name={name} onChange={(value) => choose('name', value)} />
        <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          pause
        </button>
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
function Outcome({ trace: { status, refused, failedSpans } }: { readonly trace: KnownTrace }) {
  if (refused) return <Badge tone="warn">{`refused: ${status}`}</Badge>;
  const hasLeft = status === 'left' || status === 'CANCELLED';
  if (failedSpans > 0 && (status === 'OK' || hasLeft))
    return <Badge tone="warn">{`${status}, ${counted(failedSpans, 'span')} failed`}</Badge>;
  if (failedSpans > 0) return <Badge tone="fault">{`failed: ${status || counted(failedSpans, 'span')}`}</Badge>;
  return <Badge tone={hasLeft ? '' : 'good'}>{status || 'ended'}</Badge>;
}
