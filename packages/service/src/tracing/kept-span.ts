import type { Attributes, AttributeValue, SpanContext } from '@opentelemetry/api';
import type { Span } from '@rondo/contracts/rondo/tracing/v1/tracing';
import type { FinishedSpan } from './tracer.js';

/** A span that has ended, as far as it is kept. */
export interface EndedSpan
  extends Pick<
    FinishedSpan,
    'name' | 'kind' | 'spanContext' | 'startTime' | 'duration' | 'status' | 'attributes' | 'events' | 'links'
  > {
  readonly parentSpanContext?: SpanContext | undefined;
}

/** The bounds of what is kept of a span. Characters, and counts. */
const MAX_NAME = 128;
const MAX_TEXT = 512;
const MAX_ATTRIBUTES = { span: 32, event: 8 };
const MAX_EVENTS = 16;
const MAX_LINKS = 8;

/** OpenTelemetry's code of a failed span. Its enumeration would load the whole interface. */
const FAILED = 2;

/** A span as it is kept: what it doesn't have is missing. `hide` takes the process's secrets out of texts. */
export type KeptSpan = Pick<Span, 'spanId' | 'name' | 'kind' | 'startUnixMs' | 'durationMs'> & Partial<Span>;

/** Cuts a span to what is kept. */
export function toKeptSpan(span: EndedSpan, hide: (text: string) => string): KeptSpan {
  const text = (value: string, most: number) => hide(value).slice(0, most);
  const limited = (attributes: Attributes, of: keyof typeof MAX_ATTRIBUTES): Record<string, string> => {
    const kept: Record<string, string> = {};
    for (const key of Object.keys(attributes).slice(0, MAX_ATTRIBUTES[of]))
      kept[text(key, MAX_NAME)] = text(textOf(attributes[key]), MAX_TEXT);
    return kept;
  };
  const { status, attributes, events, links, parentSpanContext: parent } = span;
  const why = status.message || String(attributes['error.type'] ?? 'failed');
  return {
    spanId: span.spanContext().spanId,
    ...(parent && { parentSpanId: parent.spanId }),
    name: text(span.name, MAX_NAME),
    kind: span.kind + 1,
    startUnixMs: toMs(span.startTime),
    durationMs: toMs(span.duration),
    ...(status.code === FAILED && { error: text(why, MAX_TEXT) }),
    attributes: limited(attributes, 'span'),
    ...(events.length > 0 && {
      events: events.slice(0, MAX_EVENTS).map(({ name, time, attributes: own = {} }) => {
        return { name: text(name, MAX_NAME), unixMs: toMs(time), attributes: limited(own, 'event') };
      }),
    }),
    ...(links.length > 0 && { links: links.slice(0, MAX_LINKS).map(({ context }) => idsOf(context)) }),
  };
}

const idsOf = ({ traceId, spanId }: SpanContext) => ({ traceId, spanId });
const textOf = (value: AttributeValue | undefined): string => (Array.isArray(value) ? value.join(', ') : `${value}`);
const toMs = ([seconds, nanos]: EndedSpan['duration']): number => seconds * 1e3 + nanos / 1e6;
