import type { IncomingHttpHeaders } from 'node:http2';
import { idleMs, systemClock } from '@rondo/base';
import { type RequestArrival, TIMING_REQUEST } from '../call/server-timing.js';
import { busyLoopMs } from '../server/router.js';

/**
 * Notes the time at which a request began to arrive whose client asks for times. The time is stored in the
 * request's headers, in place of the client's value, until the call is handled, which needs the whole request.
 */
export function noteArrival(headers: IncomingHttpHeaders): void {
  headers[TIMING_REQUEST] = `${systemClock.now()} ${idleMs()} ${busyLoopMs()}`;
}

/** How a request arrived that is whole now, by what was noted; undefined if nothing was. */
export function readArrival(value: unknown): RequestArrival | undefined {
  if (typeof value !== 'string') return undefined;
  const [at = Number.NaN, idleThenMs = Number.NaN, busyMs = Number.NaN] = value.split(' ').map(Number);
  // While the loop was idle, the rest of the request was on its way.
  const sendMs = idleMs() - idleThenMs;
  const queueMs = systemClock.now() - at - sendMs;
  return Number.isNaN(queueMs + busyMs) ? undefined : { sendMs, queueMs, busyMs };
}
