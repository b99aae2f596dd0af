import { addPart, joined, type KnownParts, type KnownTrace, type ToldSpan } from '@rondo/service/traces';
import { listOf, recordOf } from '../calls/connect.js';
import type { JsonRecord } from '../calls/use-stream.js';
import { type Silent, takeSilent } from '../ui/silent.js';
import { figureAt, textAt } from '../ui/text.js';

/** The traces that instances have told. */
export interface Traces {
  readonly parts: KnownParts;
  readonly leftOut: number;
  readonly silent: Silent;
}

/** Which traces come first. */
export type Order = 'newest' | 'slowest' | 'failed';

/** More traces than these aren't kept. */
const MAX_KEPT = 2_000;
const endOf = ({ startUnixMs, durationMs }: KnownTrace) => startUnixMs + durationMs;

/** Takes an event of `WatchTraces`. */
export function takeTraces(order: Order, before: Traces | undefined, { told, silent }: JsonRecord): Traces {
  const parts: KnownParts = before?.parts ?? new Map();
  let leftOut = before?.leftOut ?? 0;
  const all = listOf(told).map(recordOf);
  for (const one of all) {
    leftOut += figureAt(one, 'leftOut');
    for (const trace of listOf(one['traces']).map(recordOf)) {
      const text = { traceId: textAt(trace, 'traceId'), name: textAt(trace, 'name') };
      const times = { startUnixMs: figureAt(trace, 'startUnixMs'), durationMs: figureAt(trace, 'durationMs') };
      const counts = { spans: figureAt(trace, 'spans'), failedSpans: figureAt(trace, 'failedSpans') };
      addPart(parts, { ...text, ...times, ...counts }, textAt(one, 'instanceId'));
    }
  }
  if (parts.size > MAX_KEPT) for (const { traceId } of sorted(parts, order).slice(MAX_KEPT / 2)) parts.delete(traceId);
  return {
    parts,
    leftOut,
    silent: takeSilent(
      before?.silent,
      silent,
      all.map((one) => textAt(one, 'instanceId')),
    ),
  };
}

/** The traces in an order. */
export function sorted(parts: KnownParts, order: Order): readonly KnownTrace[] {
  const key = order === 'slowest' ? ({ durationMs }: KnownTrace) => durationMs : endOf;
  return [...parts.values()].map(joined).sort((one, other) => key(other) - key(one));
}

/** What instances have of one trace. */
export interface Trace {
  readonly ids: ReadonlySet<string>;
  readonly spans: readonly ToldSpan[];
  readonly lost: number;
  /** Since when all that answered have their traces. Milliseconds since the Unix epoch. */
  readonly completeSinceMs: number;
  readonly silent: Silent;
}

/** Takes an event of `FindTrace`. */
export function takeTrace(before: Trace | undefined, { told, silent }: JsonRecord): Trace {
  const all = listOf(told).map(recordOf);
  const ids = all.flatMap(({ traceIds }) => listOf(traceIds).map(String));
  return {
    ids: new Set([...(before?.ids ?? []), ...ids]),
    spans: [...(before?.spans ?? []), ...all.flatMap(spansOf)],
    lost: all.reduce((sum, one) => sum + figureAt(one, 'lostSpans'), before?.lost ?? 0),
    completeSinceMs: Math.max(before?.completeSinceMs ?? 0, ...all.map((one) => figureAt(one, 'completeSinceUnixMs'))),
    silent: takeSilent(before?.silent, silent, []),
  };
}

/** The names of `rondo.tracing.v1.SpanKind`, by number. */
const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];

function spansOf(answer: JsonRecord): readonly ToldSpan[] {
  return listOf(answer['spans'])
    .map(recordOf)
    .map((span) => ({
      instanceId: textAt(answer, 'instanceId'),
      spanId: textAt(span, 'spanId'),
      parentSpanId: textAt(span, 'parentSpanId'),
      name: textAt(span, 'name'),
      kind: KINDS.indexOf(textAt(span, 'kind').replace('SPAN_KIND_', '')),
      startUnixMs: figureAt(span, 'startUnixMs'),
      durationMs: figureAt(span, 'durationMs'),
      error: textAt(span, 'error'),
      attributes: attributesOf(span),
      events: listOf(span['events'])
        .map(recordOf)
        .map((event) => {
          return { name: textAt(event, 'name'), unixMs: figureAt(event, 'unixMs'), attributes: attributesOf(event) };
        }),
      links: listOf(span['links'])
        .map(recordOf)
        .map((link) => ({ traceId: textAt(link, 'traceId'), spanId: textAt(link, 'spanId') })),
    }));
}

function attributesOf({ attributes }: JsonRecord): Record<string, string> {
  const named = recordOf(attributes);
  return Object.fromEntries(Object.keys(named).map((name) => [name, textAt(named, name)]));
}
