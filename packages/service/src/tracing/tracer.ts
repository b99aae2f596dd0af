import {
  type Attributes,
  type AttributeValue,
  type Context,
  context,
  type Exception,
  type HrTime,
  isSpanContextValid,
  type Link,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  type SpanStatus,
  SpanStatusCode,
  type TimeInput,
  TraceFlags,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { createIdGenerator } from '@rondo/rpc/tracing';
import type { ServiceRuntime } from '../lifecycle/service.js';
import type { Sampler } from './sampler.js';

/** The most attributes, events and links of a span, as OpenTelemetry's SDK has them. */
const MOST = 128;
/** A difference of the clocks beyond this is none of rounding: the machine has slept, or its clock has been set. Milliseconds. */
const MAX_SKEW_MS = 100;

/** What the tracer of a process needs. */
export interface TracerOptions extends Pick<ServiceRuntime, 'clock' | 'wallClock'> {
  readonly sampler: Sampler;
  readonly onEnd: (span: FinishedSpan) => void;
}

/** The tracers of a process, which hand on each span when it ends. OpenTelemetry's SDK takes four times as long to load. */
export function createTracers(options: TracerOptions): TracerProvider {
  return { getTracer: (name, version) => new OwnTracer({ name, ...(version !== undefined && { version }) }, options) };
}

/** A span, as OpenTelemetry's exporters read it, but for its resource. */
export type FinishedSpan = OwnSpan;

class OwnTracer implements Tracer {
  readonly scope: OwnSpan['instrumentationScope'];
  readonly onEnd: TracerOptions['onEnd'];
  readonly #options: TracerOptions;
  readonly #ids = createIdGenerator();

  constructor(scope: OwnSpan['instrumentationScope'], options: TracerOptions) {
    this.scope = scope;
    this.onEnd = options.onEnd;
    this.#options = options;
  }

  startSpan(name: string, options: SpanOptions = {}, around: Context = context.active()): Span {
    const found = options.root === true ? undefined : trace.getSpanContext(around);
    const parent = found !== undefined && isSpanContextValid(found) ? found : undefined;
    const traceId = parent?.traceId ?? this.#ids.generateTraceId();
    const traceFlags = this.#options.sampler(traceId, parent) ? TraceFlags.SAMPLED : TraceFlags.NONE;
    const state = parent?.traceState && { traceState: parent.traceState };
    const own = { traceId, spanId: this.#ids.generateSpanId(), traceFlags, ...state };
    return traceFlags === TraceFlags.NONE
      ? trace.wrapSpanContext(own)
      : new OwnSpan(name, options, { own, parent, tracer: this });
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

  /**
   * `time`, by default now, since the Unix epoch in milliseconds with fractions, which a date doesn't have. A number from before the
   * process is one of `performance.now()`.
   */
  toMs(time?: TimeInput): number {
    if (time instanceof Date) return time.getTime();
    if (typeof time === 'number') return time < performance.timeOrigin ? performance.timeOrigin + time : time;
    if (time !== undefined) return time[0] * 1e3 + time[1] / 1e6;
    const now = this.#options.clock.now();
    const skewMs = this.#options.wallClock.now().getTime() - now;
    return Math.abs(skewMs) < MAX_SKEW_MS ? now : now + skewMs;
  }
}

type Work = (span: Span) => unknown;

interface TimedEvent {
  name: string;
  readonly time: HrTime;
  readonly attributes: Attributes;
}

/** The tracer of a span, and its place in the trace. */
interface Origin {
  readonly own: SpanContext;
  readonly parent: SpanContext | undefined;
  readonly tracer: OwnTracer;
}

/** A span that is recorded. What comes after its end is left out, and what goes beyond the bounds is counted. */
class OwnSpan implements Span {
  readonly kind: SpanKind;
  readonly parentSpanContext?: SpanContext;
  readonly instrumentationScope: { readonly name: string; readonly version?: string };
  readonly startTime: HrTime;
  readonly attributes: Attributes = {};
  readonly events: TimedEvent[] = [];
  readonly links: Link[] = [];
  name: string;
  status: SpanStatus = { code: SpanStatusCode.UNSET };
  endTime: HrTime = [0, 0];
  duration: HrTime = [0, 0];
  ended = false;
  droppedAttributesCount = 0;
  droppedEventsCount = 0;
  droppedLinksCount = 0;
  readonly #own: SpanContext;
  readonly #tracer: OwnTracer;
  #attributes = 0;

  constructor(name: string, options: SpanOptions, { own, parent, tracer }: Origin) {
    this.#own = own;
    this.#tracer = tracer;
    if (parent !== undefined) this.parentSpanContext = parent;
    this.name = name;
    this.kind = options.kind ?? SpanKind.INTERNAL;
    this.instrumentationScope = this.#tracer.scope;
    this.startTime = toHrTime(this.#tracer.toMs(options.startTime));
    this.setAttributes(options.attributes ?? {}).addLinks(options.links ?? []);
  }

  spanContext(): SpanContext {
    return this.#own;
  }

  isRecording(): boolean {
    return !this.ended;
  }

  setAttribute(key: string, value: AttributeValue | undefined): this {
    if (this.ended || !isAttribute(value)) return this;
    const isNew = !Object.hasOwn(this.attributes, key);
    if (isNew && this.#attributes >= MOST) this.droppedAttributesCount += 1;
    else this.attributes[key] = value;
    if (isNew) this.#attributes += 1;
    return this;
  }

  setAttributes(attributes: Attributes): this {
    for (const key of Object.keys(attributes)) this.setAttribute(key, attributes[key]);
    return this;
  }

  addEvent(name: string, second?: Attributes | TimeInput, third?: TimeInput): this {
    if (this.ended) return this;
    const isTime = typeof second === 'number' || second instanceof Date || Array.isArray(second);
    const time = toHrTime(this.#tracer.toMs(isTime ? second : third));
    if (this.events.length >= MOST) this.droppedEventsCount += 1;
    else this.events.push({ name, time, attributes: isTime ? {} : { ...second } });
    return this;
  }

  addLink(link: Link): this {
    return this.addLinks([link]);
  }

  addLinks(links: Link[]): this {
    if (this.ended) return this;
    const room = MOST - this.links.length;
    for (const link of links.slice(0, room)) this.links.push({ ...link, attributes: { ...link.attributes } });
    this.droppedLinksCount += Math.max(0, links.length - room);
    return this;
  }

  setStatus(status: SpanStatus): this {
    if (!this.ended) this.status = { ...status };
    return this;
  }

  updateName(name: string): this {
    if (!this.ended) this.name = name;
    return this;
  }

  recordException(exception: Exception, time?: TimeInput): void {
    // JavaScript throws anything.
    const {
      code,
      name = 'Error',
      message,
      stack,
    } = typeof exception === 'string' ? { message: exception } : (exception ?? {});
    const kept: Attributes = { 'exception.type': `${code ?? name}` };
    if (message !== undefined) kept['exception.message'] = message;
    if (stack !== undefined) kept['exception.stacktrace'] = stack;
    this.addEvent('exception', kept, time);
  }

  end(time?: TimeInput): void {
    if (this.ended) return;
    this.ended = true;
    const startMs = this.#tracer.toMs(this.startTime);
    const endMs = Math.max(startMs, this.#tracer.toMs(time));
    this.endTime = toHrTime(endMs);
    this.duration = toHrTime(endMs - startMs);
    this.#tracer.onEnd(this);
  }
}

const ATTRIBUTES: readonly string[] = ['string', 'number', 'boolean'];
const isAttribute = (value: unknown): value is AttributeValue =>
  Array.isArray(value) || ATTRIBUTES.includes(typeof value);
const toHrTime = (ms: number): HrTime => [Math.floor(ms / 1e3), Math.round((ms % 1e3) * 1e6)];
