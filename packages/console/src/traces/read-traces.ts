import type { GetTraceResponse, Span } from '@rondo/contracts/rondo/tracing/v1/tracing';
import {
  addPart,
  joined,
  type KnownParts,
  type KnownTrace,
  newestFirst,
  type ReportedSpan,
  slowestFirst,
} from '@rondo/operate/page';
import type { EventOf } from '../calls/use-stream.js';
import type { Json } from '../page/json.js';
import { type Silent, takeSilent } from '../ui/silent.js';

/** The traces that instances have reported. */
export interface Traces {
  readonly parts: KnownParts;
  readonly leftOut: number;
  readonly silent: Silent;
}

/** Which traces come first. */
export type Order = 'newest' | 'slowest' | 'refused' | 'failed';

/** More traces than these aren't kept. */
const MAX_KEPT = 2_000;

/** Takes an event of `WatchTraces`. */
export function takeTraces(order: Order, before: Traces | undefined, event: EventOf<'watchTraces'>): Traces {
  const parts: KnownParts = before?.parts ?? new Map();
  let leftOut = before?.leftOut ?? 0;
  for (const { instanceId = '', traces = [], leftOut: more = 0 } of event.answers ?? []) {
    leftOut += more;
    for (const { traceId = '', name = '', startUnixMs = 0, durationMs = 0, ...more } of traces) {
      const { spans = 0, failedSpans = 0, streaming = false, status = '', refused = false } = more;
      const outcome = { failedSpans, streaming, status, refused };
      addPart(parts, { traceId, name, startUnixMs, durationMs, spans, ...outcome }, instanceId);
    }
  }
  if (parts.size > MAX_KEPT) for (const { traceId } of sorted(parts, order).slice(MAX_KEPT / 2)) parts.delete(traceId);
  return { parts, leftOut, silent: takeSilent(before?.silent, event) };
}

/** The traces in an order. */
export function sorted(parts: KnownParts, order: Order): readonly KnownTrace[] {
  return [...parts.values()].map(joined).sort(order === 'slowest' ? slowestFirst : newestFirst);
}

/** What instances have of one trace. */
export interface Trace {
  readonly spans: readonly ReportedSpan[];
  readonly lost: number;
  /** Since when all that answered have their traces. Milliseconds since the Unix epoch. */
  readonly completeSinceMs: number;
  readonly silent: Silent;
}

/** Takes an event of `FindTrace`. */
export function takeTrace(before: Trace | undefined, event: EventOf<'findTrace'>): Trace {
  const { answers = [] } = event;
  return {
    spans: [...(before?.spans ?? []), ...answers.flatMap(spansOf)],
    lost: answers.reduce((sum, { lostSpans = 0 }) => sum + lostSpans, before?.lost ?? 0),
    completeSinceMs: Math.max(before?.completeSinceMs ?? 0, ...answers.map((one) => one.completeSinceUnixMs ?? 0)),
    silent: takeSilent(before?.silent, event),
  };
}

/** The names of `rondo.tracing.v1.SpanKind`, by number. */
const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];

const spansOf = ({ instanceId = '', spans = [] }: Json<GetTraceResponse>): readonly ReportedSpan[] =>
  spans.map(({ spanId = '', parentSpanId = '', name = '', startUnixMs = 0, durationMs = 0, error = '', ...span }) => ({
    instanceId,
    spanId,
    parentSpanId,
    name,
    startUnixMs,
    durationMs,
    error,
    kind: KINDS.indexOf(span.kind?.replace('SPAN_KIND_', '') ?? ''),
    attributes: attributesOf(span.attributes),
    events: (span.events ?? []).map((event) => ({
      name: event.name ?? '',
      unixMs: event.unixMs ?? 0,
      attributes: attributesOf(event.attributes),
    })),
    links: (span.links ?? []).map((link) => ({ traceId: link.traceId ?? '', spanId: link.spanId ?? '' })),
  }));

const attributesOf = (json: Json<Span['attributes']> = {}) =>
  Object.fromEntries(Object.entries(json).map(([name, value = '']) => [name, value]));
