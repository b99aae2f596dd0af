import { useState } from 'preact/hooks';
import { type EventOf, useStream } from '../calls/use-stream.js';
import { ConnectionLine } from '../page/connection-line.js';
import { Table } from '../page/table.js';
import { SilentInstances } from '../ui/silent.js';
import { counted, formatMs, formatTime } from '../ui/text.js';
import { type Order, sorted, type Traces, takeTraces } from './read-traces.js';
import { TraceView } from './trace-view.js';

const MAX_ROWS = 100;

/** Before the name in the address of a list. */
const NAMED = 'named/';

/** The traces, live; or one, by its id or the beginning of it. */
export function TracesPage({ at }: { readonly at: string }) {
  return (
    <div class="page">
      <h2>Traces</h2>
      <FindForm />
      {at === '' || at.startsWith(NAMED) ? (
        <TraceList key={at} named={at.replace(NAMED, '')} />
      ) : (
        <TraceView key={at} id={at} />
      )}
    </div>
  );
}

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

const ORDERS = ['newest', 'slowest', 'failed'] as const;

function TraceList({ named }: { readonly named: string }) {
  const [order, setOrder] = useState<Order>('newest');
  const [name, setName] = useState(named);
  const [isPaused, setPaused] = useState(false);
  const { told, connection } = useStream({
    method: 'watchTraces',
    request: {
      filter: { failed: order === 'failed', name },
      order: order === 'slowest' ? 'TRACE_ORDER_SLOWEST' : 'TRACE_ORDER_NEWEST',
    },
    take: (before: Traces | undefined, event: EventOf<'watchTraces'>) => takeTraces(order, before, event),
    isPaused,
  });
  const traces = told ? sorted(told.parts, order) : [];
  return (
    <>
      <ConnectionLine connection={connection} />
      <div class="row">
        {ORDERS.map((one) => (
          <button key={one} type="button" aria-pressed={order === one} onClick={() => setOrder(one)}>
            {one}
          </button>
        ))}
        <label for="name">with a span named like</label>
        <input id="name" type="search" value={name} onChange={({ currentTarget: { value } }) => setName(value)} />
        <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          pause
        </button>
      </div>
      {traces.length > 0 ? (
        <Table
          rows={traces}
          keyOf={({ traceId }) => traceId}
          most={MAX_ROWS}
          isFailed={({ failedSpans }) => failedSpans > 0}
          columns={[
            ['Begins with', ({ traceId, name: first }) => <a href={`#/traces/${traceId}`}>{first}</a>],
            ['Start', ({ startUnixMs }) => formatTime(startUnixMs)],
            ['ms', ({ durationMs }) => formatMs(durationMs)],
            ['Spans', ({ spans }) => spans],
            ['Failed', ({ failedSpans }) => failedSpans],
            ['Instances', ({ instances }) => instances.join(', ')],
          ]}
        />
      ) : (
        <p>{told ? 'No trace fits. One appears here as soon as a call ends.' : 'Nothing is known yet.'}</p>
      )}
      {told && told.leftOut > 0 && <p class="warn">{counted(told.leftOut, 'trace')} left out: they come too fast.</p>}
      {told && <SilentInstances silent={told.silent} />}
    </>
  );
}
