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
  type SpanOptions,
  SpanStatusCode,
  type TextMapGetter,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { Random } from '@rondo/base';
import type { Metadata } from '../call/metadata.js';
import { runInTrace } from '../call/scope.js';
import {
  type AttemptSpan,
  type CallSpan,
  isUnsampled,
  type RequestSpan,
  type TraceHeaders,
  type Tracing,
  undecidedTraceId,
  validParent,
  type WorkSpan,
} from '../call/trace.js';
import type { Method } from '../contract/method.js';
import { RpcError } from '../status/rpc-error.js';
import { HEADERS, METADATA } from './carriers.js';
import { instanceAttributes, isServersFault, outcomeOf, tracedMethod } from './conventions.js';
import { guard } from './guard.js';
import { withTraceId } from './id-generator.js';
import { parentOf, passOn, recordedContext, remoteSpan, Unrecorded } from './unrecorded.js';

/** How many messages of one watch get a span. */
const MAX_MESSAGES = 100;

/**
 * Makes spans by OpenTelemetry's interface. A trace is sampled where it begins; what is part of one that isn't sampled makes
 * no span at all and passes its context on.
 */
export class Spans implements Tracing {
  readonly #tracer: Tracer;
  readonly #random: Random;
  readonly #plain: boolean;
  /** The entries that go on with a call. */
  readonly #fields = propagation.fields();

  /** `plain`: see `traceCalls`. */
  constructor(tracer: Tracer, random: Random, plain: boolean) {
    this.#tracer = tracer;
    this.#random = random;
    this.#plain = plain;
  }

  client(method: Method, metadata: Metadata): CallSpan {
    const passedOn = this.#plain ? passOn(metadata, this.#fields) : undefined;
    if (passedOn !== undefined) return passedOn;
    const from = callersOf(metadata);
    const call = this.#call(method, SpanKind.CLIENT, from);
    if (call instanceof Unrecorded) call.passOn(metadata, this.#fields);
    else if (this.#plain && call.span !== undefined && isBare(from.around))
      METADATA.set(metadata, 'traceparent', parentOf(call.span.spanContext()));
    else guard(() => propagation.inject(call.context, metadata, METADATA), undefined);
    return call;
  }

  server(method: Method, received: Metadata, previousAttempts: number): CallSpan {
    const parent = this.#plain ? validParent(received.get('traceparent')) : undefined;
    if (isUnsampled(parent)) return new Unrecorded(parent, received);
    const call = this.#call(method, SpanKind.SERVER, this.#received(received, METADATA));
    if (previousAttempts > 0 && call instanceof TracedCall)
      guard(() => call.span?.setAttribute('rondo.previous_attempts', previousAttempts), undefined);
    return call;
  }

  request(name: string, headers: TraceHeaders, linkTo: string): RequestSpan | undefined {
    if (this.#plain && isUnsampled(validParent(headers['traceparent']))) return undefined;
    const options = { kind: SpanKind.SERVER, links: linksTo(linkTo) };
    const started = this.#start(name, options, this.#received(headers, HEADERS));
    if (started instanceof Unrecorded) {
      headers['traceparent'] = started.parent;
      return undefined;
    }
    const { span, around } = started;
    const within = span === undefined ? around : trace.setSpan(around, span);
    guard(() => propagation.inject(within, headers, HEADERS), undefined);
    if (span === undefined) return undefined;
    return {
      end: (outcome) =>
        guard(() => {
          span.updateName(outcome.name);
          span.setAttributes(outcome.attributes);
          if (outcome.fault !== undefined) fail(span, outcome.fault);
          span.end();
        }, undefined),
    };
  }

  async work<T>({ name, attributes, linkTo }: WorkSpan, work: () => Promise<T>): Promise<T> {
    const around = linkTo === undefined ? recordedContext() : ROOT_CONTEXT;
    if (around === undefined) return work();
    const options = { ...(attributes && { attributes }), links: linksTo(linkTo) };
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

  /** From what the span of a received call or request begins. */
  #received<C>(carrier: C, getter: TextMapGetter<C>): Origin {
    const traceparent = getter.get(carrier, 'traceparent');
    const parent = validParent(traceparent);
    const traceId = undecidedTraceId(parent);
    if (this.#plain && RICH.every((key) => getter.get(carrier, key) === undefined)) {
      const begins = parent === undefined || traceId !== undefined;
      return { around: begins ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remoteSpan(parent)), traceId };
    }
    return decided(
      guard(() => propagation.extract(ROOT_CONTEXT, carrier, getter), ROOT_CONTEXT),
      traceparent,
    );
  }

  #call(method: Method, kind: SpanKind, from: Origin): TracedCall | Unrecorded {
    const { name, attributes, background } = tracedMethod(method);
    const started = background ? this.#withoutSpan(from) : this.#start(name, { kind, attributes }, from);
    if (started instanceof Unrecorded) return started;
    return new TracedCall(started, { tracer: this.#tracer, method, kind, plain: this.#plain });
  }

  #start(name: string, options: SpanOptions, from: Origin): Started | Unrecorded {
    const { around, traceId } = from;
    const parent = trace.getSpanContext(around);
    if (parent !== undefined && !isSampled(parent) && isSpanContextValid(parent)) return this.#withoutSpan(from);
    const begin = (): Started | Unrecorded | undefined => {
      const span = withTraceId(traceId, () => this.#tracer.startSpan(name, options, around));
      const ids = span.spanContext();
      // Without an SDK a span has no id.
      if (ids.traceId === INVALID_TRACEID) return undefined;
      return span.isRecording() ? { span, around } : this.#withoutSpan(from, ids);
    };
    return guard(begin, undefined) ?? this.#withoutSpan(from);
  }

  /** Passes on the trace around, or ids for the logs, of a trace that isn't sampled. */
  #withoutSpan({ around, traceId }: Origin, given?: SpanContext): Started | Unrecorded {
    const parent = given ?? trace.getSpanContext(around);
    const isValid = parent !== undefined && isSpanContextValid(parent);
    const ids = isValid
      ? parent
      : { traceId: traceId ?? this.#random.hex(16), spanId: this.#random.hex(8), traceFlags: 0 };
    if (this.#plain && around === ROOT_CONTEXT && ids.traceState === undefined) return new Unrecorded(parentOf(ids));
    return {
      span: undefined,
      around: parent === ids && given === undefined ? around : trace.setSpanContext(around, ids),
    };
  }
}

/** From what a span begins. */
interface Origin {
  readonly around: Context;
  /** The id of the trace, if it begins here. */
  readonly traceId?: string | undefined;
}

/** A span below `around`. Undefined if nothing is recorded: then `around` is the context of the call. */
interface Started {
  readonly span: Span | undefined;
  readonly around: Context;
}

/** What a {@link TracedCall} is made from. */
interface TracedCallOptions {
  readonly tracer: Tracer;
  readonly method: Method;
  readonly kind: SpanKind;
  readonly plain: boolean;
}

/**
 * The span of a call. It stands for the call's first attempt as well, so that most calls have one span at each end; each
 * further attempt has a span of its own, with a link to the one before.
 */
class TracedCall implements CallSpan {
  readonly span: Span | undefined;
  readonly #around: Context;
  readonly #call: TracedCallOptions;
  #context: Context | undefined;
  #ended = false;
  #attempts = 0;
  #messages = 0;
  #lastAttempt: SpanContext | undefined;

  constructor({ span, around }: Started, call: TracedCallOptions) {
    this.span = span;
    this.#around = around;
    this.#call = call;
  }

  get context(): Context {
    this.#context ??= this.span === undefined ? this.#around : trace.setSpan(this.#around, this.span);
    return this.#context;
  }

  get traceId(): string {
    return this.span?.spanContext().traceId ?? traceIdIn(this.context);
  }

  run<A, T>(work: (given: A) => T, given: A): T {
    return this.#call.plain ? runInTrace(this, work, given) : context.with(this.context, work, undefined, given);
  }

  attempt(at: Parameters<CallSpan['attempt']>[0], metadata: Metadata): AttemptSpan | undefined {
    const { span } = this;
    return span === undefined ? undefined : guard(() => this.#attempt(span, at, metadata), undefined);
  }

  #attempt(span: Span, at: Parameters<CallSpan['attempt']>[0], metadata: Metadata): AttemptSpan {
    const { tracer, method } = this.#call;
    this.#attempts += 1;
    const instance = instanceAttributes(at);
    const previous = this.#lastAttempt;
    if (previous === undefined) {
      this.#lastAttempt = span.spanContext();
      span.setAttributes(instance);
      return { metadata: undefined, end: (error) => this.#firstEnded(error, instance) };
    }
    const { name, attributes: common } = tracedMethod(method);
    const attributes = { ...common, ...instance, 'rondo.attempt': this.#attempts };
    const options = { kind: SpanKind.CLIENT, attributes, links: [{ context: previous }] };
    const attempt = tracer.startSpan(name, options, this.context);
    this.#lastAttempt = attempt.spanContext();
    const own = metadata.clone();
    propagation.inject(trace.setSpan(this.context, attempt), own, METADATA);
    return { metadata: own, end: (error) => endCall(attempt, SpanKind.CLIENT, error) };
  }

  message(): void {
    if (this.span === undefined || this.#messages >= MAX_MESSAGES) return;
    this.#messages += 1;
    const { tracer, method } = this.#call;
    const kind = this.#call.kind === SpanKind.CLIENT ? SpanKind.CONSUMER : SpanKind.PRODUCER;
    const { name, attributes } = tracedMethod(method);
    guard(() => tracer.startSpan(`${name} message`, { kind, attributes }, this.context).end(), undefined);
  }

  end(error?: unknown): void {
    if (this.span === undefined || this.#ended) return;
    this.#ended = true;
    endCall(this.span, this.#call.kind, error);
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
  const traceId = undecidedTraceId(validParent(traceparent));
  return traceId === undefined ? { around } : { around: trace.deleteSpan(around), traceId };
}

/** Ends the span of a call or of an attempt. A server isn't at fault for what its caller did wrong, nor has a call failed that was cancelled. */
function endCall(span: Span, kind: SpanKind, error: unknown): void {
  const code = outcomeOf(error);
  guard(() => {
    span.setAttribute('rpc.response.status_code', code);
    const failed = kind === SpanKind.CLIENT ? code !== 'OK' && code !== 'CANCELLED' : isServersFault(code);
    if (failed) fail(span, code, error);
    span.end();
  }, undefined);
}

function fail(span: Span, type: string, error?: unknown): void {
  span.setAttribute('error.type', type);
  const message = error instanceof RpcError ? error.message : undefined;
  span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) });
}

function isSampled({ traceFlags }: SpanContext): boolean {
  return (traceFlags & TraceFlags.SAMPLED) !== 0;
}

function traceIdIn(within: Context): string {
  return trace.getSpanContext(within)?.traceId ?? '';
}

/** A link to the span of a `traceparent`, which this process, another one of ours or a stranger has written. */
function linksTo(traceparent?: string): Link[] {
  const linked = validParent(traceparent);
  return linked === undefined ? [] : [{ context: remoteSpan(linked) }];
}

/** What a trace may have besides its `traceparent`. */
const RICH = ['tracestate', 'baggage'];

/** Whether a span that begins here has nothing for other processes but its ids. */
function isBare(around: Context): boolean {
  return propagation.getBaggage(around) === undefined && trace.getSpanContext(around)?.traceState === undefined;
}
