import { fromBinary, type Registry, toJson } from '@bufbuild/protobuf';
import { base64Decode } from '@bufbuild/protobuf/wire';
import { useEffect, useRef } from 'preact/hooks';
import type { Entries } from '../calls/connect.js';
import { ErrorText, Facts } from '../ui/parts.js';
import { statusOf } from '../ui/text.js';
import type { Answer } from './running.js';

const SERVED_BY = 'rondo-served-by';

/** The answer of a call, as far as it has come. */
export function AnswerView({ answer, registry }: { readonly answer: Answer; readonly registry: Registry }) {
  const { messages, count, header, trailer, error, isOver, tookMs } = answer;
  const section = useRef<HTMLElement>(null);
  // The form may be higher than the window.
  useEffect(() => section.current?.scrollIntoView({ block: 'nearest' }), [isOver]);
  const servedBy = [...trailer, ...header].find(([name]) => name === SERVED_BY)?.[1];
  const trace = header.find(([name]) => name === 'x-request-id')?.[1];
  const status = isOver ? statusOf(error?.code) : 'running …';
  return (
    <section aria-label="Answer" ref={section}>
      <h3>Answer</h3>
      <p role="status">
        <strong class={error ? 'fault' : 'good'}>{status}</strong> after {Math.round(tookMs)} ms
        {servedBy !== undefined && (
          <>
            , from <code>{servedBy}</code>
          </>
        )}
        {trace !== undefined && (
          <>
            : <a href={`#/traces/${trace}`}>its trace</a>
          </>
        )}
        {count > 1 && `, ${count} messages`}
        {count > messages.length && `, the last ${messages.length} of which are shown`}
      </p>
      {error && (
        <p class="fault">
          <ErrorText>{error.message}</ErrorText>
        </p>
      )}
      {error?.details.map(({ type, value }) => (
        <details key={type + value}>
          <summary>{type}</summary>
          <pre>{detailText(type, value, registry)}</pre>
        </details>
      ))}
      {messages.map((message, index) => (
        <pre key={count - messages.length + index}>{JSON.stringify(message, null, 2)}</pre>
      ))}
      <EntriesView title="Header" entries={header} />
      <EntriesView title="Trailer" entries={trailer} />
    </section>
  );
}

/** The detail in JSON, or in base64 if its contract isn't known. */
function detailText(type: string, value: string, registry: Registry): string {
  const desc = registry.getMessage(type);
  if (desc === undefined) return value;
  try {
    return JSON.stringify(toJson(desc, fromBinary(desc, base64Decode(value)), { registry }), null, 2);
  } catch {
    return value; // a server may send anything
  }
}

function EntriesView({ title, entries }: { readonly title: string; readonly entries: Entries }) {
  if (entries.length === 0) return null;
  return (
    <details>
      <summary>
        {title} ({entries.length})
      </summary>
      <Facts of={entries} />
    </details>
  );
}
