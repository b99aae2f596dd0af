import {
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import type { Metadata } from '../call/metadata.js';
import { activeTrace, runInTrace } from '../call/scope.js';
import { type CallSpan, isUnsampled, validParent } from '../call/trace.js';
import { METADATA } from './carriers.js';
import { guard } from './guard.js';

/** What goes on of an entry is cut at these lengths. Characters. Source: https://www.w3.org/TR/trace-context/, https://www.w3.org/TR/baggage/ */
const MOST: Readonly<Record<string, number>> = { tracestate: 512, baggage: 8_192 };

/** The trace of a call that isn't recorded. Its entries go on as they came; OpenTelemetry's context is made if something asks for it. */
export class Unrecorded implements CallSpan {
  readonly traceId: string;
  /** The `traceparent` for the calls below. */
  readonly parent: string;
  readonly #received: Metadata | undefined;
  #context: Context | undefined;

  constructor(parent: string, received?: Metadata) {
    this.traceId = parent.slice(3, 35);
    this.parent = parent;
    this.#received = received;
  }

  get context(): Context {
    this.#context ??= guard(() => this.#toContext(), ROOT_CONTEXT);
    return this.#context;
  }

  run<A, T>(work: (given: A) => T, given: A): T {
    return runInTrace(this, work, given);
  }

  /** Puts the trace into the metadata of a call. `fields` are the entries that the process passes on. */
  passOn(metadata: Metadata, fields: readonly string[]): void {
    METADATA.set(metadata, 'traceparent', this.parent);
    if (this.#received === undefined) return;
    for (const key of fields) {
      const value = cut(METADATA.get(this.#received, key) ?? '', MOST[key] ?? 0);
      if (value !== '') METADATA.set(metadata, key, value);
    }
  }

  attempt(): undefined {}
  message(): void {}
  end(): void {}

  #toContext(): Context {
    if (this.#received === undefined) return trace.setSpanContext(ROOT_CONTEXT, remoteSpan(this.parent));
    return propagation.extract(ROOT_CONTEXT, this.#received, METADATA);
  }
}

/** Puts the trace around a call, or that of its own metadata, into the metadata if it isn't recorded; otherwise gives undefined. */
export function passOn(metadata: Metadata, fields: readonly string[]): Unrecorded | undefined {
  const around = activeTrace();
  const given = validParent(metadata.get('traceparent'));
  if (around === undefined) {
    if (!isUnsampled(given)) return undefined;
    METADATA.set(metadata, 'traceparent', given);
    return new Unrecorded(given, metadata);
  }
  if (!(around instanceof Unrecorded)) return undefined;
  // What a handler passes on is often the metadata of its own call.
  if (given !== undefined && given.slice(3, 35) !== around.traceId) return undefined;
  around.passOn(metadata, fields);
  return around;
}

/** The span of a valid `traceparent`. */
export function remoteSpan(parent: string): SpanContext {
  const traceFlags = isUnsampled(parent) ? TraceFlags.NONE : TraceFlags.SAMPLED;
  return { traceId: parent.slice(3, 35), spanId: parent.slice(36, 52), traceFlags, isRemote: true };
}

/** The `traceparent` of a span. */
export function parentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`;
}

/** The active context, if it is that of a span which is recorded and hasn't ended. */
export function recordedContext(): Context | undefined {
  if (activeTrace() instanceof Unrecorded) return undefined;
  const active = context.active();
  return trace.getSpan(active)?.isRecording() === true ? active : undefined;
}

/** A list without the last of its members, as many as it is too long. */
function cut(list: string, most: number): string {
  return list.length <= most ? list : list.slice(0, Math.max(0, list.lastIndexOf(',', most)));
}
