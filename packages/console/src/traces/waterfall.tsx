import { describeSpan, type ReportedSpan, type TraceNode, walk } from '@rondo/operate/page';
import { useState } from 'preact/hooks';
import { Table } from '../page/table.js';
import { Bar, ErrorText, Facts } from '../ui/parts.js';
import { formatMs } from '../ui/text.js';

const MAX_ROWS = 150;
/** Deeper spans aren't indented further. */
const MAX_INDENT = 20;

/** The spans of a trace as bars, each below its cause. */
export function Waterfall({ roots }: { readonly roots: readonly TraceNode[] }) {
  const [open, setOpen] = useState<string | undefined>();
  const rows = [...walk(roots)];
  const startMs = Math.min(...rows.map(({ node: { span } }) => span.startUnixMs));
  const totalMs = Math.max(...rows.map(({ node: { span } }) => span.startUnixMs + span.durationMs)) - startMs || 1;
  const atMs = ({ node: { span } }: (typeof rows)[number]) => span.startUnixMs - startMs;
  return (
    <>
      <Table
        class="waterfall"
        rows={rows}
        keyOf={({ node: { span } }) => span.spanId}
        most={MAX_ROWS}
        isFailed={({ node: { span } }) => span.error !== ''}
        below={({ node: { span } }) =>
          open === span.spanId && <Details span={span} startMs={startMs} request={requestIn(rows[0]?.node.span)} />
        }
        columns={[
          [
            'Span',
            ({ node: { span }, depth }) => (
              <button
                type="button"
                style={{ marginInlineStart: `${Math.min(depth, MAX_INDENT)}ch` }}
                aria-expanded={open === span.spanId}
                onClick={() => setOpen(open === span.spanId ? undefined : span.spanId)}
              >
                {describeSpan(span)}
              </button>
            ),
          ],
          ['Instance', ({ node: { span } }) => span.instanceId],
          ['At (ms)', (row) => formatMs(atMs(row)), 'number'],
          ['Took (ms)', ({ node: { span } }) => formatMs(span.durationMs), 'number'],
          ['By itself (ms)', ({ node: { selfMs } }) => formatMs(selfMs), 'number'],
          ['When', (row) => <Bar start={atMs(row)} length={row.node.span.durationMs} whole={totalMs} />],
        ]}
      />
      <p class="quiet">By itself: its own work, a wait, or the way to the spans below it.</p>
    </>
  );
}

/** What the path of an HTTP request says of the message, such as `quotes/7` for the `name` in `/v1/{name=quotes/*}`; empty if nothing. */
function requestIn({ attributes }: Partial<ReportedSpan> = {}): string {
  const { 'http.route': route = '', 'url.path': path = '' } = attributes ?? {};
  const names: string[] = [];
  const pattern = route.replace(/\{(\w+)(?:=([^}]*))?\}|[.:+?^$()[\]|\\]/g, (found, name?: string, shape = '*') => {
    if (name === undefined) return `\\${found}`;
    names.push(name);
    return `(${shape.replaceAll('*', '[^/]+')})`;
  });
  const [, ...values] = names.length === 0 ? [] : (new RegExp(`^${pattern}$`).exec(path) ?? []);
  return values.length === 0
    ? ''
    : JSON.stringify(Object.fromEntries(names.map((name, index) => [name, values[index]])));
}

interface DetailsProps {
  readonly span: ReportedSpan;
  readonly startMs: number;
  /** What is known of the message of the first call. */
  readonly request: string;
}

function Details({ span, startMs, request }: DetailsProps) {
  const { error, attributes, events, links } = span;
  const method = attributes['rpc.method'];
  return (
    <tr>
      <td colSpan={6}>
        <Facts
          of={[
            ...(error === '' ? [] : [['failed', <ErrorText>{error}</ErrorText>] as const]),
            ...Object.entries(attributes),
            ...events.map(
              ({ name, unixMs, attributes: own }) =>
                [`${formatMs(unixMs - startMs)} ms: ${name}`, Object.values(own).join(' ')] as const,
            ),
          ]}
        />
        {method !== undefined && (
          <p>
            <a href={`#/methods/${method}${request === '' ? '' : `?${new URLSearchParams({ request })}`}`}>
              Call it by its form
            </a>
            , or see <a href={`#/overview/${method}`}>its last hour</a>
          </p>
        )}
        {links.map(({ traceId, spanId }) => (
          <p key={spanId}>
            goes back to <a href={`#/traces/${traceId}`}>trace {traceId}</a>
          </p>
        ))}
      </td>
    </tr>
  );
}
