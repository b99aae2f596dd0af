import type { Context } from '@opentelemetry/api';
import type { Random } from '@rondo/base';
import type { Method } from '../contract/method.js';
import type { Metadata } from './metadata.js';

/** The metadata key of W3C Trace Context. Source: https://www.w3.org/TR/trace-context/ */
const TRACEPARENT = 'traceparent';
const PATTERN = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/;
/** The length of version 00, which later versions begin with. */
const LENGTH = 55;
/** The length of a trace id. */
export const TRACE_ID_BYTES = 16;
const TRACESTATE = 'tracestate';
/** W3C asks to pass on as many characters as these. */
const MAX_STATE = 512;

/** The call in whose handler another call is made. */
interface TracedScope {
  readonly traceId: string;
  readonly metadata?: Metadata;
}

/** A `traceparent` in the form of version 00; undefined if it isn't valid. */
export function validParent(header: unknown): string | undefined {
  if (typeof header !== 'string' || !PATTERN.test(header)) return undefined;
  if (!header.startsWith('00')) return `00${header.slice(2, LENGTH)}`;
  return header.length === LENGTH ? header : undefined;
}

/** Whether a valid `traceparent` says that its trace isn't sampled. */
export function isUnsampled(parent: string | undefined): parent is string {
  return parent !== undefined && (Number.parseInt(parent.slice(-2), 16) & 1) === 0;
}

/** The trace id in a request's `traceparent`; undefined if there is no valid one. */
export function receivedTraceId(metadata: Metadata): string | undefined {
  return validParent(metadata.get(TRACEPARENT))?.slice(3, 35);
}

/**
 * The `traceparent` of a process that doesn't trace. It has the flag of a sampled trace: without it a parent-based sampler of another
 * implementation would never record. Its span id follows from the trace id, by which {@link undecidedTraceId} knows it.
 */
export function undecidedParent(traceId: string): string {
  return `00-${traceId}-f${traceId.slice(1, 16)}-01`;
}

/** The trace id of a valid `traceparent` that a process has sent which doesn't trace: whether the trace is sampled has not been decided. */
export function undecidedTraceId(parent: string | undefined): string | undefined {
  const traceId = parent?.slice(3, 35);
  return traceId !== undefined && parent === undecidedParent(traceId) ? traceId : undefined;
}

/**
 * The trace id of a call without a span, which its metadata gets unless the caller has set one. A call that a handler makes passes on what
 * the handler's own call had, so that the traces of other processes have no gap.
 */
export function traceOf(metadata: Metadata, around: TracedScope | undefined, random: Random): string {
  const given = receivedTraceId(metadata);
  if (given !== undefined) return given;
  const received = validParent(around?.metadata?.get(TRACEPARENT));
  if (around?.metadata !== undefined && received?.slice(3, 35) === around.traceId) {
    add(metadata, TRACEPARENT, received);
    const state = around.metadata.get(TRACESTATE);
    if (state !== undefined && state.length <= MAX_STATE && !metadata.has(TRACESTATE)) add(metadata, TRACESTATE, state);
    return around.traceId;
  }
  const traceId = around?.traceId ?? random.hex(TRACE_ID_BYTES);
  add(metadata, TRACEPARENT, undecidedParent(traceId));
  return traceId;
}

/** Adds an entry, unless there is no room, or it can't be sent: no call fails because of its trace. */
function add(metadata: Metadata, key: string, value: string): void {
  try {
    if (metadata.get(key) === undefined) metadata.append(key, value);
    else metadata.set(key, value);
  } catch {
    return; // the caller's own entries go first
  }
}

/** The trace that work is part of, as OpenTelemetry has it. */
export interface ActiveTrace {
  readonly context: Context;
}

/** The span of one call, at its client or at its server. A call that isn't sampled has one too, which records nothing. */
export interface CallSpan extends ActiveTrace {
  readonly traceId: string;
  /** Runs `work` with the span as the active one. The argument saves a closure. */
  run<A, T>(work: (given: A) => T, given: A): T;
  /** An attempt of the call begins. Undefined if the call isn't recorded. */
  attempt(at: AttemptedInstance, metadata: Metadata): AttemptSpan | undefined;
  /** A watch has sent or received a message. */
  message(): void;
  /** The call has ended, or the answer to a watch has begun. Only the first end counts. */
  end(error?: unknown): void;
}

/** The instance that gets an attempt. */
interface AttemptedInstance {
  readonly instanceId: string;
  readonly address: string;
}

/** One attempt of a recorded call. */
export interface AttemptSpan {
  /** What the attempt sends; undefined if that is the call's own metadata. */
  readonly metadata: Metadata | undefined;
  end(error?: unknown): void;
}

/** A span around work that isn't a call. */
export interface WorkSpan {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string | number>>;
  /** Begins a trace, with a link to the span of this `traceparent` if it is not empty. Without it, the work is part of the active trace. */
  readonly linkTo?: string;
}

/** A request from outside, such as one over HTTP. */
export interface RequestSpan {
  end(outcome: {
    readonly name: string;
    readonly attributes: Readonly<Record<string, string | number | boolean>>;
    /** The kind of the server's fault; undefined if there was none. */
    readonly fault: string | undefined;
  }): void;
}

/** Where the entries of a trace are read and written: headers by lower-case names. */
export type TraceHeaders = Record<string, string | string[] | undefined>;

/** Makes spans. `@rondo/rpc/tracing` installs one; without it, no call pays for tracing. */
export interface Tracing {
  /** Starts the span of an outgoing call, and puts it into the call's metadata. */
  client(method: Method, metadata: Metadata): CallSpan;
  /** Starts the span of a received call. */
  server(method: Method, received: Metadata, previousAttempts: number): CallSpan;
  /**
   * Starts the span of a request from outside, and puts it into `headers` for the calls that it causes. `linkTo` is the `traceparent` of a
   * stranger, to which the span has a link. Undefined if the request isn't recorded.
   */
  request(name: string, headers: TraceHeaders, linkTo: string): RequestSpan | undefined;
  /** Runs `work` in a span, if it is part of a sampled trace or begins one. */
  work<T>(span: WorkSpan, work: () => Promise<T>): Promise<T>;
  /** Runs `work` outside of any trace. */
  outside<T>(work: () => T): T;
  /** The `traceparent` of the active span; empty if there is none, or if it isn't sampled. */
  current(): string;
}

let installed: Tracing | undefined;

/** What makes spans; undefined while tracing is off. */
export function tracing(): Tracing | undefined {
  return installed;
}

export function installTracing(given: Tracing | undefined): void {
  installed = given;
}

/** Runs `work` in a span, if tracing is on. */
export function inSpan<T>(span: WorkSpan, work: () => Promise<T>): Promise<T> {
  return installed === undefined ? work() : installed.work(span, work);
}

/** The `traceparent` of the active span; empty if tracing is off, or the trace isn't sampled. */
export function currentTrace(): string {
  return installed?.current() ?? '';
}
