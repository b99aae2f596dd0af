import {
  type Attributes,
  type AttributeValue,
  type Context,
  context,
  type Exception,
  type HrTime,
  isSpanContextValid,
  type Link,
  propagation,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  type SpanStatus,
  SpanStatusCode,
  type TimeInput,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { createContextManager, createIdGenerator } from '@rondo/rpc/tracing';
import type { ServiceRuntime } from '../lifecycle/service.js';
import { traceContext } from './trace-context.js';
import type { EndedSpan } from './trace-ring.js';

type Clocks = Pick<ServiceRuntime, 'clock' | 'wallClock'>;

/** Registers a tracer that only hands on each span when it ends. OpenTelemetry's SDK takes four times as long to load. */
export function startOwnTracer(onEnd: (span: EndedSpan) => void, clocks: Clocks): () => void {
  const tracer = new OwnTracer(onEnd, clocks);
  trace.setGlobalTracerProvider({ getTracer: () => tracer });
  context.setGlobalContextManager(createContextManager());
  propagation.setGlobalPropagator(traceContext);
  return () => {
    trace.disable();
    context.disable();
    propagation.disable();
  };
}

/** A difference of the clocks beyond this is none of rounding: the machine has slept, or its clock has been set. Milliseconds. */
const MAX_SKEW_MS = 100;

class OwnTracer implements Tracer {
  readonly #onEnd: (span: EndedSpan) => void;
  readonly #clocks: Clocks;
  readonly #ids = createIdGenerator();

  constructor(onEnd: (span: EndedSpan) => void, clocks: Clocks) {
    this.#onEnd = onEnd;
    this.#clocks = clocks;
  }

  startSpan(name: string, options: SpanOptions = {}, around: Context = context.active()): Span {
    const found = options.root === true ? undefined : trace.getSpanContext(around);
    const parent = found !== undefined && isSpanContextValid(found) ? found : undefined;
    if (parent !== undefined && (parent.traceFlags & TraceFlags.SAMPLED) === 0) return trace.wrapSpanContext(parent);
    const own: SpanContext = {
      traceId: parent?.traceId ?? this.#ids.generateTraceId(),
      spanId: this.#ids.generateSpanId(),
      traceFlags: TraceFlags.SAMPLED,
      ...(parent?.traceState && { traceState: parent.traceState }),
    };
    return new OwnSpan({ name, options, own, parent, now: () => this.#now(), onEnd: this.#onEnd });
  }

  startActiveSpan<F extends Work>(name: string, work: F): ReturnType<F>;
  startActiveSpan<F extends Work>(name: string, options: SpanOptions, work: F): ReturnType<F>;
  startActiveSpan<F extends Work>(name: string, options: SpanOptions, around: Context, work: F): ReturnType<F>;
  startActiveSpan(name: string, ...given: [Work] | [SpanOptions, Work] | [SpanOptions, Context, Work]): unknown {
    const [options, around, work] =
      given.length === 1
        ? [{}, context.active(), given[0]]
        : given.length === 2
          ? [given[0], context.active(), given[1]]
          : given;
    const span = this.startSpan(name, options, around);
    return context.with(trace.setSpan(around, span), work, undefined, span);
  }

  /** Milliseconds since the Unix epoch, with fractions, which the date doesn't have. */
  #now(): number {
    const { clock, wallClock } = this.#clocks;
    const now = clock.now();
    const skewMs = wallClock.now().getTime() - now;
    return Math.abs(skewMs) < MAX_SKEW_MS ? now : now + skewMs;
  }
}

type Work = (span: Span) => unknown;

/** What an {@link OwnSpan} is made from. */
interface OwnSpanOptions {
  readonly name: string;
  readonly options: SpanOptions;
  readonly own: SpanContext;
  readonly parent: SpanContext | undefined;
  readonly now: () => number;
  readonly onEnd: (span: EndedSpan) => void;
}

class OwnSpan implements Span, EndedSpan {
  readonly kind: SpanKind;
  readonly parentSpanContext: SpanContext | undefined;
  readonly startTime: HrTime;
  readonly attributes: Attributes;
  readonly events: EndedSpan['events'] = [];
  readonly links: Link[];
  name: string;
  status: SpanStatus = { code: SpanStatusCode.UNSET };
  duration: HrTime = [0, 0];
  readonly #given: OwnSpanOptions;
  #ended = false;

  constructor(given: OwnSpanOptions) {
    const { name, options, parent, now } = given;
    this.name = name;
    this.kind = options.kind ?? SpanKind.INTERNAL;
    this.attributes = { ...options.attributes };
    this.links = [...(options.links ?? [])];
    this.parentSpanContext = parent;
    this.startTime = toHrTime(toMs(options.startTime, now));
    this.#given = given;
  }

  spanContext(): SpanContext {
    return this.#given.own;
  }

  isRecording(): boolean {
    return !this.#ended;
  }

  setAttribute(key: string, value: AttributeValue): this {
    if (!this.#ended) this.attributes[key] = value;
    return this;
  }

  setAttributes(attributes: Attributes): this {
    if (!this.#ended) Object.assign(this.attributes, attributes);
    return this;
  }

  addEvent(name: string, second?: Attributes | TimeInput, third?: TimeInput): this {
    const isTime = typeof second === 'number' || second instanceof Date || Array.isArray(second);
    const attributes = isTime ? {} : (second ?? {});
    const time = toHrTime(toMs(isTime ? second : third, this.#given.now));
    if (!this.#ended) this.events.push({ name, time, attributes });
    return this;
  }

  addLink(link: Link): this {
    return this.addLinks([link]);
  }

  addLinks(links: Link[]): this {
    if (!this.#ended) this.links.push(...links);
    return this;
  }

  setStatus(status: SpanStatus): this {
    if (!this.#ended) this.status = status;
    return this;
  }

  updateName(name: string): this {
    if (!this.#ended) this.name = name;
    return this;
  }

  recordException(exception: Exception, time?: TimeInput): void {
    const { name = 'Error', message } = typeof exception === 'string' ? { message: exception } : exception;
    this.addEvent('exception', { 'exception.type': name, 'exception.message': message ?? '' }, time);
  }

  end(time?: TimeInput): void {
    if (this.#ended) return;
    this.#ended = true;
    const { now, onEnd } = this.#given;
    this.duration = toHrTime(Math.max(0, toMs(time, now) - toMs(this.startTime, now)));
    onEnd(this);
  }
}

function toMs(time: TimeInput | undefined, now: () => number): number {
  if (time === undefined) return now();
  if (time instanceof Date) return time.getTime();
  return typeof time === 'number' ? time : time[0] * 1e3 + time[1] / 1e6;
}

const toHrTime = (ms: number): HrTime => [Math.floor(ms / 1e3), Math.round((ms % 1e3) * 1e6)];
