import type { JsonValue } from '@bufbuild/protobuf';
import { recordOf } from '../calls/connect.js';
import { type EventOf, useStream } from '../calls/use-stream.js';
import { ConnectionLine } from '../page/connection-line.js';
import { Table } from '../page/table.js';
import { Badge, Empty, ErrorText, type Tone } from '../ui/parts.js';
import { type Silent, SilentInstances, takeSilent } from '../ui/silent.js';
import { counted, formatMoment, visible, ZONE } from '../ui/text.js';

interface Logs {
  /** The newest last. */
  readonly lines: readonly Line[];
  readonly leftOut: number;
  readonly silent: Silent;
}

interface Line {
  readonly key: string;
  readonly instanceId: string;
  /** In RFC 3339. */
  readonly time: string;
  readonly level: string;
  readonly message: string;
  /** What was thrown, and where; empty if nothing was. */
  readonly error: string;
  readonly stack: string;
  readonly traceId: string;
  readonly fields: string;
}

const TONES: Readonly<Record<string, Tone>> = { warn: 'warn', error: 'fault', fatal: 'fault' };
/** More lines than these aren't kept. */
const MAX_KEPT = 1_000;

/** Takes an event of `ReadLogs`. An instance that is asked again sends its last lines again. */
function take(before: Logs | undefined, event: EventOf<'readLogs'>): Logs {
  const known = new Map((before?.lines ?? []).map((line) => [line.key, line]));
  let leftOut = before?.leftOut ?? 0;
  for (const { instanceId = '', lines: texts = [], leftOut: more = 0 } of event.answers ?? []) {
    leftOut += more;
    for (const line of texts.map((text) => lineOf(instanceId, text))) known.set(line.key, line);
  }
  const lines = [...known.values()].sort((one, other) => (one.time < other.time ? -1 : one.time > other.time ? 1 : 0));
  return { lines: lines.slice(-MAX_KEPT), leftOut, silent: takeSilent(before?.silent, event) };
}

function lineOf(instanceId: string, text: string): Line {
  const { service: _, instance: __, level, time, msg, traceId, err, ...rest } = recordOf(parsed(text));
  const { type = 'Error', message, stack } = recordOf(err);
  const others = err === undefined || message !== undefined ? rest : { ...rest, err };
  const fields = Object.entries(others).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const textOf = (value: JsonValue | undefined) => visible(String(value ?? ''));
  return {
    key: `${instanceId} ${text}`,
    instanceId,
    time: textOf(time),
    level: textOf(level),
    message: textOf(msg ?? text),
    error: message === undefined ? '' : textOf(`${type}: ${message}`),
    stack: textOf(stack),
    traceId: textOf(traceId),
    fields: visible(fields.join(' ')),
  };
}

/** A line that is cut is no JSON. */
function parsed(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** Which lines are shown, and at most how many. */
interface LogLinesProps {
  readonly filter: {
    readonly traceId?: string;
    readonly level?: string;
    readonly text?: string;
    readonly last?: number;
  };
  readonly instanceId?: string;
  readonly follow?: boolean;
  readonly most: number;
}

/** Log lines of all processes, the newest first; those of a trace in their order. */
export function LogLines({ filter, instanceId = '', follow = false, most }: LogLinesProps) {
  const request = { logs: { ...filter, follow }, instanceId };
  const { data, connection } = useStream({ method: 'readLogs', request, take, ends: !follow });
  const lines = data?.lines ?? [];
  return (
    <>
      <ConnectionLine connection={connection} />
      <Table
        class="lines"
        rows={follow ? lines.toReversed() : lines}
        keyOf={({ key }) => key}
        most={most}
        holds={follow}
        isFailed={({ level }) => /error|fatal/.test(level)}
        empty={
          <Empty
            of={data}
            what="No line fits"
            hint="Instances keep their last lines only: RONDO_RECENT_BYTES says how many."
          />
        }
        columns={[
          [`Time (${ZONE})`, ({ time }) => formatMoment(Date.parse(time))],
          ['Level', ({ level }) => <Badge tone={TONES[level] ?? ''}>{level}</Badge>],
          ['Instance', (line) => line.instanceId],
          ['Line', (line) => <LineText line={line} isOfTrace={Boolean(filter.traceId)} />],
        ]}
      />
      {data && data.leftOut > 0 && <p class="warn">{counted(data.leftOut, 'line')} left out: they come too fast.</p>}
      {data && <SilentInstances silent={data.silent} />}
    </>
  );
}

const LineText = ({ line, isOfTrace }: { readonly line: Line; readonly isOfTrace: boolean }) => (
  <>
    {line.message}{' '}
    {line.error !== '' && (
      <span class="fault">
        <ErrorText>{line.error}</ErrorText>
      </span>
    )}{' '}
    <small>{line.fields}</small>{' '}
    {line.traceId !== '' && !isOfTrace && <a href={`#/traces/${line.traceId}`}>its trace</a>}
    {line.stack !== '' && (
      <details>
        <summary>Stack</summary>
        <pre>{line.stack}</pre>
      </details>
    )}
  </>
);
