import {
  type ListTracesRequest,
  type TraceFilter,
  TraceOrder,
  type TraceSummary,
} from '@rondo/contracts/rondo/tracing/v1/tracing';
import { createMask } from '../config/secrets.js';
import { type Batch, Readers } from '../readers.js';
import { type EndedSpan, type KeptSpan, toKeptSpan } from './kept-span.js';

/** What a trace, and a span besides its text, take of V8's heap, with their part of the index. Bytes, measured on Node 20 and 24. */
const TRACE_BYTES = 480;
const SPAN_BYTES = 40;
/** One trace may take this part of the ring, and as much as fits into a reply. */
const MOST_OF_RING = 1 / 4;
const MAX_TRACE_BYTES = 1024 * 1024;
/** How many ids one prefix may find. */
const MAX_IDS = 10;
/** How many traces wait for a reader that is slow. */
const MAX_WAITING = 256;
const WIDE = /[\u0100-\uffff]/;

/** The spans of one trace. */
interface Trace {
  /** Each as JSON: one flat text, whose size is known, and which keeps no text alive that a part of it was cut from. */
  readonly spans: string[];
  /** The one that started first. */
  first: string;
  startMs: number;
  endMs: number;
  bytes: number;
  failed: number;
  lost: number;
  streaming: boolean;
}

interface TraceRingOptions {
  readonly maxBytes: number;
  /** Texts that no span may hold. */
  readonly secrets: readonly string[];
  /** When the process started. */
  readonly startedAt: Date;
}

/** Keeps the spans of the last traces, in a bounded part of the memory. A trace that is older than all others goes as a whole. */
export class TraceRing {
  readonly #maxBytes: number;
  readonly #hide: (text: string) => string;
  /** In the order in which their first span ended. */
  readonly #traces = new Map<string, Trace>();
  readonly #watchers = new Readers<readonly [string, Trace]>();
  #completeSinceMs: number;
  #bytes = 0;

  constructor({ maxBytes, secrets, startedAt }: TraceRingOptions) {
    this.#maxBytes = maxBytes;
    this.#completeSinceMs = startedAt.getTime();
    this.#hide = createMask(secrets);
  }

  /** How much memory the traces take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Since when it has all traces. Milliseconds since the Unix epoch. */
  get completeSinceMs(): number {
    return this.#completeSinceMs;
  }

  add(ended: EndedSpan): void {
    const span = toKeptSpan(ended, this.#hide);
    const { traceId } = ended.spanContext();
    const trace = this.#traces.get(traceId) ?? this.#begin(traceId, span);
    const text = JSON.stringify(span);
    // The search also makes one flat text of the pieces that JSON.stringify has joined.
    const bytes = SPAN_BYTES + text.length * (WIDE.test(text) ? 2 : 1);
    const isFirst = trace.spans.length === 0;
    if (!isFirst && trace.bytes + bytes > Math.min(MAX_TRACE_BYTES, this.#maxBytes * MOST_OF_RING)) trace.lost += 1;
    else {
      if (isFirst || span.startUnixMs < trace.startMs) {
        trace.first = text;
        trace.startMs = span.startUnixMs;
      }
      trace.spans.push(text);
      trace.bytes += bytes;
      this.#bytes += bytes;
    }
    trace.endMs = Math.max(trace.endMs, span.startUnixMs + span.durationMs);
    if (span.error !== undefined) trace.failed += 1;
    if (ended.attributes['rondo.streaming'] === true) trace.streaming = true;
    this.#forget();
    if (ended.parentSpanContext === undefined || ended.parentSpanContext.isRemote === true)
      this.#watchers.add([traceId, trace]);
  }

  /** The traces whose ids begin with `prefix`; the spans if it is one. */
  get(prefix: string) {
    const whole = this.#traces.get(prefix);
    const traceIds = whole === undefined ? this.#idsFrom(prefix) : [prefix];
    const [traceId = '', another] = traceIds;
    const trace = another === undefined ? this.#traces.get(traceId) : undefined;
    return { traceIds, spans: trace?.spans.map(parse) ?? [], lostSpans: trace?.lost ?? 0 };
  }

  /** The traces that a filter lets through, from the one at `from` on, and how many there are in all. */
  list({ filter, order }: Pick<ListTracesRequest, 'filter' | 'order'>, from: number, most: number) {
    const found = [...this.#traces].filter(([, trace]) => matches(trace, filter));
    const before = order === TraceOrder.TRACE_ORDER_SLOWEST ? slowestFirst : newestFirst;
    found.sort(([, a], [, b]) => before(a, b));
    const traces = found.slice(from, from + most).map(([traceId, trace]) => summaryOf(traceId, trace));
    return { traces, total: found.length };
  }

  /** Tells of each trace once a part of it that this process was asked for has ended, until the signal aborts. */
  watch(filter: TraceFilter | undefined, signal: AbortSignal): AsyncGenerator<Batch<TraceSummary>> {
    return this.#watchers.follow({ most: MAX_WAITING, signal }, ([traceId, trace]) =>
      matches(trace, filter) ? summaryOf(traceId, trace) : undefined,
    );
  }

  #begin(traceId: string, { startUnixMs }: KeptSpan): Trace {
    const counts = { bytes: TRACE_BYTES, failed: 0, lost: 0 };
    const trace = { spans: [], first: '', startMs: startUnixMs, endMs: 0, ...counts, streaming: false };
    this.#bytes += TRACE_BYTES;
    // A copy: the id may be a part of a long header.
    this.#traces.set(Buffer.from(traceId, 'latin1').toString('latin1'), trace);
    return trace;
  }

  #forget(): void {
    for (const [traceId, { bytes, endMs }] of this.#traces) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#traces.delete(traceId);
      this.#bytes -= bytes;
      this.#completeSinceMs = Math.max(this.#completeSinceMs, endMs);
    }
  }

  #idsFrom(prefix: string): string[] {
    const found: string[] = [];
    for (const traceId of this.#traces.keys()) {
      if (traceId.startsWith(prefix) && found.push(traceId) === MAX_IDS) break;
    }
    return found;
  }
}

const parse = (text: string): KeptSpan => JSON.parse(text);
const durationOf = ({ startMs, endMs }: Trace): number => Math.max(0, endMs - startMs);
const newestFirst = (a: Trace, b: Trace): number => b.endMs - a.endMs;
const slowestFirst = (a: Trace, b: Trace): number =>
  Number(a.streaming) - Number(b.streaming) || durationOf(b) - durationOf(a);

function matches(trace: Trace, filter: TraceFilter | undefined): boolean {
  if (filter === undefined) return true;
  const { failed, refused, name, minDurationMs, minEndUnixMs, maxStartUnixMs } = filter;
  if ((failed && trace.failed === 0) || durationOf(trace) < minDurationMs) return false;
  if (trace.endMs < minEndUnixMs || (maxStartUnixMs > 0 && trace.startMs >= maxStartUnixMs)) return false;
  if (refused && !isRefused(statusOf(parse(trace.first)))) return false;
  if (name === '') return true;
  const written = JSON.stringify(name).slice(1, -1);
  // The text search is cheap: most spans need not be parsed.
  return trace.spans.some((text) => text.includes(written) && parse(text).name.includes(name));
}

function summaryOf(traceId: string, trace: Trace): TraceSummary {
  const { spans, lost, first, startMs: startUnixMs, failed: failedSpans, streaming } = trace;
  const span = parse(first);
  return {
    traceId,
    name: span.name,
    startUnixMs,
    durationMs: durationOf(trace),
    spans: spans.length + lost,
    failedSpans,
    streaming,
    status: statusOf(span),
    refused: isRefused(statusOf(span)),
  };
}

/** How a call ended: a status of gRPC by its name, or one of HTTP; `left` if the client of an HTTP request left before the end. */
const statusOf = ({ attributes = {} }: KeptSpan): string =>
  attributes['rondo.client_left'] === 'true'
    ? 'left'
    : (attributes['rpc.response.status_code'] ?? attributes['http.response.status_code'] ?? '');

/** Whether a call was refused for a reason that lies with its caller. */
const isRefused = (status: string): boolean =>
  /^4\d\d$/.test(status) || (/^[A-Z]/.test(status) && !OTHERS.test(status));
/** Success, faults of servers, and callers that have left. */
const OTHERS = /^(?:OK|CANCELLED|UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS)$/;
