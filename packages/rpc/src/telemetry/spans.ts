import {
  type Attributes,
  type Context,
  context,
  INVALID_TRACEID,
  isSpanContextValid,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { Metadata } from '../call/metadata.js';
import {
  type AttemptSpan,
  type CallSpan,
  type RequestSpan,
  type TraceHeaders,
  type Tracing,
  undecidedTraceId,
  type WorkSpan,
} from '../call/trace.js';
import type { Random } from '../clock/clock.js';
import type { Method } from '../contract/method.js';
import { RpcError } from '../status/rpc-error.js';
import { HEADERS, METADATA } from './carriers.js';
import { instanceAttributes, isServersFault, outcomeOf, tracedMethod } from './conventions.js';
import { guard } from './guard.js';
import { withTraceId } from './id-generator.js';

/** How many messages of one watch get a span. */
const MAX_MESSAGES = 100;

/**
 * Makes spans by OpenTelemetry's interface. A trace is sampled where it begins; what is part of one that isn't sampled makes
 * no span at all and passes its context on.
 */
export class Spans implements Tracing {
  readonly #tracer: Tracer;
  readonly #random: Random;

  constructor(tracer: Tracer, random: Random) {
    this.#tracer = tracer;
    this.#random = random;
  }

  client(method: Method, metadata: Metadata): CallSpan {
    const call = this.#call(method, SpanKind.CLIENT, callersOf(metadata));
    guard(() => propagation.inject(call.context, metadata, METADATA), undefined);
    return call;
  }

  server(method: Method, received: Metadata, previousAttempts: number): CallSpan {
    const around = guard(() => propagation.extract(ROOT_CONTEXT, received, METADATA), ROOT_CONTEXT);
    const call = this.#call(method, SpanKind.SERVER, decided(around, received.get('traceparent')));
    if (previousAttempts > 0)
      guard(() => call.span?.setAttribute('rondo.previous_attempts', previousAttempts), undefined);
    return call;
  }

  request(name: string, headers: TraceHeaders, linkTo: string): RequestSpan {
    const around = guard(() => propagation.extract(ROOT_CONTEXT, headers, HEADERS), ROOT_CONTEXT);
    const { span, within } = this.#start(name, SpanKind.SERVER, { ...decided(around, headers['traceparent']), linkTo });
    guard(() => propagation.inject(within, headers, HEADERS), undefined);
    return {
      traceId: traceIdIn(within),
      end: (outcome) =>
        guard(() => {
          if (span === undefined) return;
          span.updateName(outcome.name);
          span.setAttributes(outcome.attributes);
          if (outcome.fault !== undefined) fail(span, outcome.fault);
          span.end();
        }, undefined),
    };
  }

  async work<T>({ name, attributes, linkTo }: WorkSpan, work: () => Promise<T>): Promise<T> {
    const around = linkTo === undefined ? context.active() : ROOT_CONTEXT;
    if (linkTo === undefined && !isRecording(around)) return work();
    const options = { ...(attributes && { attributes }), ...linksTo(linkTo) };
    const span = guard(() => this.#tracer.startSpan(name, options, around), undefined);
    if (span === undefined) return work();
    try {
      return await context.with(trace.setSpan(around, span), work);
    } catch (error) {
      guard(() => fail(span, outcomeOf(error), error), undefined);
      throw error;
    } finally {
      guard(() => span.end(), undefined);
    }
  }

  outside<T>(work: () => T): T {
    return context.with(ROOT_CONTEXT, work);
  }

  current(): string {
    const active = trace.getSpanContext(context.active());
    if (active === undefined || !isSampled(active)) return '';
    return `00-${active.traceId}-${active.spanId}-01`;
  }

  #call(method: Method, kind: SpanKind, from: Origin): TracedCall {
    const { name, attributes, background } = tracedMethod(method);
    const started = background ? this.#withoutSpan(from) : this.#start(name, kind, { ...from, attributes });
    return new TracedCall({ tracer: this.#tracer, method, kind, span: started.span, context: started.within });
  }

  #start(name: string, kind: SpanKind, from: Origin): Started {
    const { around, attributes, traceId, linkTo } = from;
    const parent = trace.getSpanContext(around);
    if (parent !== undefined && isSpanContextValid(parent) && !isSampled(parent))
      return { span: undefined, within: around };
    const options = { kind, ...(attributes && { attributes }), ...linksTo(linkTo) };
    const begin = (): Started | undefined => {
      const span = withTraceId(traceId, () => this.#tracer.startSpan(name, options, around));
      // Without an SDK a span has no id.
      if (span.spanContext().traceId === INVALID_TRACEID) return undefined;
      return { span: span.isRecording() ? span : undefined, within: trace.setSpan(around, span) };
    };
    return guard(begin, undefined) ?? this.#withoutSpan(from);
  }

  /** Passes on the trace around, or an id for the logs, of a trace that isn't sampled. */
  #withoutSpan({ around, traceId = this.#random.hex(16) }: Origin): Started {
    const from = trace.getSpanContext(around);
    if (from !== undefined && isSpanContextValid(from)) return { span: undefined, within: around };
    const ids = { traceId, spanId: this.#random.hex(8), traceFlags: TraceFlags.NONE };
    return { span: undefined, within: trace.setSpanContext(around, ids) };
  }
}

/** From what a span begins. */
interface Origin {
  readonly around: Context;
  /** The id of the trace, if it begins here. */
  readonly traceId?: string | undefined;
  /** A `traceparent`. */
  readonly linkTo?: string;
  readonly attributes?: Attributes;
}

/** A span, and the context in which it is the active one. */
interface Started {
  /** Undefined if nothing is recorded. */
  readonly span: Span | undefined;
  readonly within: Context;
}

/** What a {@link TracedCall} is made from. */
interface TracedCallOptions {
  readonly tracer: Tracer;
  readonly method: Method;
  readonly kind: SpanKind;
  /** Undefined if the call isn't recorded. */
  readonly span: Span | undefined;
  readonly context: Context;
}

/**
 * The span of a call. It stands for the call's first attempt as well, so that most calls have one span at each end; each
 * further attempt has a span of its own, with a link to the one before.
 */
class TracedCall implements CallSpan {
  readonly span: Span | undefined;
  readonly context: Context;
  readonly #tracer: Tracer;
  readonly #method: Method;
  readonly #kind: SpanKind;
  #ended = false;
  #attempts = 0;
  #messages = 0;
  #lastAttempt: SpanContext | undefined;

  constructor({ tracer, method, kind, span, context: own }: TracedCallOptions) {
    this.#tracer = tracer;
    this.#method = method;
    this.#kind = kind;
    this.span = span;
    this.context = own;
  }

  get traceId(): string {
    return traceIdIn(this.context);
  }

  run<A, T>(work: (given: A) => T, given: A): T {
    return context.with(this.context, work, undefined, given);
  }

  attempt(at: Parameters<CallSpan['attempt']>[0], metadata: Metadata): AttemptSpan | undefined {
    const { span } = this;
    return span === undefined ? undefined : guard(() => this.#attempt(span, at, metadata), undefined);
  }

  #attempt(span: Span, at: Parameters<CallSpan['attempt']>[0], metadata: Metadata): AttemptSpan {
    this.#attempts += 1;
    const instance = instanceAttributes(at);
    const previous = this.#lastAttempt;
    if (previous === undefined) {
      this.#lastAttempt = span.spanContext();
      span.setAttributes(instance);
      return { metadata: undefined, end: (error) => this.#firstEnded(error, instance) };
    }
    const { name, attributes: common } = tracedMethod(this.#method);
    const attributes = { ...common, ...instance, 'rondo.attempt': this.#attempts };
    const options = { kind: SpanKind.CLIENT, attributes, links: [{ context: previous }] };
    const attempt = this.#tracer.startSpan(name, options, this.context);
    this.#lastAttempt = attempt.spanContext();
    const own = metadata.clone();
    propagation.inject(trace.setSpan(this.context, attempt), own, METADATA);
    return { metadata: own, end: (error) => endCall(attempt, SpanKind.CLIENT, error) };
  }

  message(): void {
    if (this.span === undefined || this.#messages >= MAX_MESSAGES) return;
    this.#messages += 1;
    const kind = this.#kind === SpanKind.CLIENT ? SpanKind.CONSUMER : SpanKind.PRODUCER;
    const { name, attributes } = tracedMethod(this.#method);
    guard(() => this.#tracer.startSpan(`${name} message`, { kind, attributes }, this.context).end(), undefined);
  }

  end(error?: unknown): void {
    if (this.span === undefined || this.#ended) return;
    this.#ended = true;
    endCall(this.span, this.#kind, error);
  }

  #firstEnded(error: unknown, instance: Attributes): void {
    if (error === undefined || this.#ended) return;
    const attributes = { ...instance, 'rpc.response.status_code': outcomeOf(error) };
    guard(() => this.span?.addEvent('attempt failed', attributes), undefined);
  }
}

/**
 * The parent of a client's call. A `traceparent` in the call's metadata takes precedence over the active span: it may be that
 * of a request which the caller serves by other means. If both are of one trace, the active span is the later one.
 */
function callersOf(metadata: Metadata): Origin {
  const active = context.active();
  if (!metadata.has('traceparent')) return { around: active };
  const given = guard(() => propagation.extract(active, metadata, METADATA), active);
  return traceIdIn(given) === traceIdIn(active) ? { around: active } : decided(given, metadata.get('traceparent'));
}

/** From what a span begins whose parent is in `around`. A parent that doesn't trace is none, but gives the trace its id. */
function decided(around: Context, traceparent: unknown): Origin {
  const traceId = undecidedTraceId(traceparent);
  return traceId === undefined ? { around } : { around: trace.deleteSpan(around), traceId };
}

/** Ends the span of a call or of an attempt. A server isn't at fault for what its caller did wrong. */
function endCall(span: Span, kind: SpanKind, error: unknown): void {
  const code = outcomeOf(error);
  guard(() => {
    span.setAttribute('rpc.response.status_code', code);
    if (error !== undefined && (kind === SpanKind.CLIENT || isServersFault(code))) fail(span, code, error);
    span.end();
  }, undefined);
}

function fail(span: Span, type: string, error?: unknown): void {
  span.setAttribute('error.type', type);
  const message = error instanceof RpcError ? error.message : undefined;
  span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) });
}

function isRecording(around: Context): boolean {
  return trace.getSpan(around)?.isRecording() === true;
}

function isSampled({ traceFlags }: SpanContext): boolean {
  return (traceFlags & TraceFlags.SAMPLED) !== 0;
}

function traceIdIn(within: Context): string {
  return trace.getSpanContext(within)?.traceId ?? '';
}

/** A link to the span of a `traceparent`, which this process, another one of ours or a stranger has written. */
function linksTo(traceparent = ''): { readonly links?: Link[] } {
  if (traceparent === '') return {};
  const [, traceId = '', spanId = '', flags] = traceparent.split('-');
  const linked = { traceId, spanId, traceFlags: flags === '00' ? TraceFlags.NONE : TraceFlags.SAMPLED, isRemote: true };
  return isSpanContextValid(linked) ? { links: [{ context: linked }] } : {};
}
