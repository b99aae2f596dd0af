import type { Random } from '../clock/clock.js';
import type { Metadata } from './metadata.js';

/** The metadata key of W3C Trace Context. Source: https://www.w3.org/TR/trace-context/ */
const TRACEPARENT = 'traceparent';
const PATTERN = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}/;
const INVALID = '0'.repeat(32);

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

/** Adds a `traceparent` with this trace id, unless the caller has set one. */
export function propagateTrace(metadata: Metadata, traceId: string, random: Random): void {
  if (!metadata.has(TRACEPARENT)) metadata.append(TRACEPARENT, `00-${traceId}-${random.hex(8)}-01`);
}
