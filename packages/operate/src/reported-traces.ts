import type { Span, TraceSummary } from '@rondo/contracts/rondo/tracing/v1/tracing';

/** A span, and the process that has it. */
export interface ReportedSpan extends Span {
  readonly instanceId: string;
}

/** A trace, as far as some processes have reported it. */
export interface KnownTrace extends TraceSummary {
  readonly instances: readonly string[];
}

/** The parts of traces that processes have reported, by trace id and by instance. */
export type KnownParts = Map<string, Map<string, TraceSummary>>;

/** Adds the part that one process has. It replaces the part that the process has reported before. */
export function addPart(known: KnownParts, part: TraceSummary, instanceId: string): void {
  const parts = known.get(part.traceId) ?? new Map<string, TraceSummary>();
  known.set(part.traceId, parts.set(instanceId, part));
}

/** The parts of one trace as one. */
export function joined(parts: ReadonlyMap<string, TraceSummary>): KnownTrace {
  const all = [...parts.values()].sort((a, b) => a.startUnixMs - b.startUnixMs);
  const { traceId = '', name = '', startUnixMs = 0, status = '', refused = false } = all[0] ?? {};
  const endUnixMs = Math.max(...all.map((part) => part.startUnixMs + part.durationMs));
  return {
    traceId,
    name,
    startUnixMs,
    durationMs: endUnixMs - startUnixMs,
    spans: all.reduce((sum, part) => sum + part.spans, 0),
    failedSpans: all.reduce((sum, part) => sum + part.failedSpans, 0),
    streaming: all.some((part) => part.streaming),
    status,
    refused,
    instances: [...parts.keys()].sort(),
  };
}

/** Compares traces as `TRACE_ORDER_NEWEST` orders them. */
export const newestFirst = (a: TraceSummary, b: TraceSummary): number =>
  b.startUnixMs + b.durationMs - a.startUnixMs - a.durationMs;

/** Compares traces as `TRACE_ORDER_SLOWEST` orders them. */
export const slowestFirst = (a: TraceSummary, b: TraceSummary): number =>
  Number(a.streaming) - Number(b.streaming) || b.durationMs - a.durationMs;

/** `SPAN_KIND_CLIENT`: the enumeration would load the whole contract into a page. */
const CLIENT = 3;

/** A span in words: what a client calls has an arrow, and how it ended follows unless that is usual. */
export function describeSpan({ kind, name, attributes, error }: Span): string {
  const { 'rpc.method': rpc, 'rondo.instance': to, 'rondo.attempt': attempt, 'rondo.client_left': left } = attributes;
  const code = attributes['rpc.response.status_code'] ?? attributes['http.response.status_code'];
  return [
    kind === CLIENT && rpc !== undefined ? `→ ${name}` : name,
    to === undefined || kind !== CLIENT ? '' : `at ${to}`,
    attempt === undefined ? '' : `attempt ${attempt}`,
    code === undefined || code === 'OK' ? '' : code,
    left === undefined ? '' : 'left',
    error === '' || error === code ? '' : error,
  ]
    .filter((part) => part !== '')
    .join(' ');
}
