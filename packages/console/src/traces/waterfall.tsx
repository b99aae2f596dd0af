import { describeSpan, type ToldSpan, type TraceNode, walk } from '@rondo/service/traces';
import { Fragment } from 'preact';
import { useState } from 'preact/hooks';
import { formatMs } from '../ui/text.js';

/** A page has a bounded number of elements, however many spans there are. */
const MAX_ROWS = 150;
/** Deeper spans aren't indented further. */
const MAX_INDENT = 20;

/** The spans of a trace as bars, each below its cause. */
export function Waterfall({ roots }: { readonly roots: readonly TraceNode[] }) {
  const [open, setOpen] = useState<string | undefined>();
  const rows = [...walk(roots)];
  const startMs = Math.min(...rows.map(({ node: { span } }) => span.startUnixMs));
  const totalMs = Math.max(...rows.map(({ node: { span } }) => span.startUnixMs + span.durationMs)) - startMs || 1;
  return (
    <>
      <table class="waterfall">
        <thead>
          <tr>
            {['Span', 'Instance', 'At ms', 'Took', 'By itself', 'When'].map((title) => (
              <th
                key={title}
                scope="col"
                title={title === 'By itself' ? 'its own work, a wait, or the way' : undefined}
              >
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody onKeyDown={moveFocus}>
          {rows.slice(0, MAX_ROWS).map(({ node: { span, selfMs }, depth }) => (
            <Fragment key={span.spanId}>
              <tr class={span.error === '' ? undefined : 'failed'}>
                <th scope="row" style={{ paddingInlineStart: `${Math.min(depth, MAX_INDENT)}ch` }}>
                  <button
                    type="button"
                    aria-expanded={open === span.spanId}
                    onClick={() => setOpen(open === span.spanId ? undefined : span.spanId)}
                  >
                    {describeSpan(span)}
                  </button>
                </th>
                <td data-title="Instance">{span.instanceId}</td>
                <td data-title="At ms">{formatMs(span.startUnixMs - startMs)}</td>
                <td data-title="Took">{formatMs(span.durationMs)}</td>
                <td data-title="By itself">{formatMs(selfMs)}</td>
                <td class="when">
                  <div
                    style={{
                      marginInlineStart: `${((span.startUnixMs - startMs) / totalMs) * 100}%`,
                      width: `${(span.durationMs / totalMs) * 100}%`,
                    }}
                  />
                </td>
              </tr>
              {open === span.spanId && <Details span={span} startMs={startMs} />}
            </Fragment>
          ))}
        </tbody>
      </table>
      {rows.length > MAX_ROWS && <p>and {rows.length - MAX_ROWS} more</p>}
    </>
  );
}

/** The arrow keys move from span to span. */
function moveFocus(event: { readonly key: string; readonly currentTarget: HTMLElement; preventDefault(): void }): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const buttons = [...event.currentTarget.querySelectorAll('button')];
  const at = buttons.findIndex((button) => button.matches(':focus'));
  buttons[at + step]?.focus();
}

function Details({ span, startMs }: { readonly span: ToldSpan; readonly startMs: number }) {
  const { error, attributes, events, links } = span;
  return (
    <tr>
      <td colSpan={6}>
        <dl class="facts">
          {error !== '' && <Fact name="failed" value={error} />}
          {Object.entries(attributes).map(([name, value]) => (
            <Fact key={name} name={name} value={value} />
          ))}
          {events.map(({ name, unixMs, attributes: own }) => (
            <Fact
              key={`${unixMs} ${name}`}
              name={`${formatMs(unixMs - startMs)} ms: ${name}`}
              value={Object.values(own).join(' ')}
            />
          ))}
        </dl>
        {links.map(({ traceId, spanId }) => (
          <p key={spanId}>
            goes back to <a href={`#/traces/${traceId}`}>trace {traceId}</a>
          </p>
        ))}
      </td>
    </tr>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
