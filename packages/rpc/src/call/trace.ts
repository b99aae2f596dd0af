import type { Random } from '../clock/clock.js';
import type { Metadata } from './metadata.js';

/** The metadata key of W3C Trace Context. Source: https://www.w3.org/TR/trace-context/ */
const TRACEPARENT = 'traceparent';
const PATTERN = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}/;
const INVALID = '0'.repeat(32);
/** The length of what a `traceparent` has in every version. */
const LENGTH = 55;
const TRACESTATE = 'tracestate';
/** W3C asks to pass on as many characters as these. */
const MAX_STATE = 512;

/** The call in whose handler another call is made. */
interface TracedScope {
  readonly traceId: string;
  readonly metadata?: Metadata;
}

/** The trace id in a request's `traceparent`; undefined if there is no valid one. */
export function receivedTraceId(metadata: Metadata): string | undefined {
  const header = metadata.get(TRACEPARENT);
  if (header === undefined || !PATTERN.test(header)) return undefined;
  const traceId = header.slice(3, 35);
  return traceId === INVALID ? undefined : traceId;
}

/** A new trace id. */
export function newTraceId(random: Random): string {
  return random.hex(16);
}

/**
 * The trace id of a call without a span, which its metadata gets unless the caller has set one. A call that a handler makes passes on what
 * the handler's own call had, so that the traces of other processes have no gap.
 */
export function traceOf(metadata: Metadata, around: TracedScope | undefined, random: Random): string {
  const given = receivedTraceId(metadata);
  if (given !== undefined) return given;
  if (around?.metadata !== undefined && receivedTraceId(around.metadata) === around.traceId) {
    passOn(around.metadata, metadata);
    return around.traceId;
  }
  const traceId = around?.traceId ?? newTraceId(random);
  if (!metadata.has(TRACEPARENT)) metadata.append(TRACEPARENT, `00-${traceId}-${random.hex(8)}-01`);
  return traceId;
}

function passOn(received: Metadata, metadata: Metadata): void {
  metadata.set(TRACEPARENT, String(received.get(TRACEPARENT)).slice(0, LENGTH));
  const state = received.get(TRACESTATE);
  if (state === undefined || state.length > MAX_STATE || metadata.has(TRACESTATE)) return;
  try {
    metadata.append(TRACESTATE, state);
  } catch {
    return; // a stranger's, which can't be sent
  }
}
