import type { IncomingHttpHeaders } from 'node:http2';
import { type RequestArrival, TIMING_REQUEST } from '../../call/server-timing.js';
import { idleMs, systemClock } from '../../clock/system.js';
import { busyLoopMs } from '../busy-loop.js';

/**
 * Notes when a request whose client asks for times began to arrive. The headers carry that to the call, which is
 * handled only when its whole request is there. What the client wrote there is replaced.
 */
export function noteArrival(headers: IncomingHttpHeaders): void {
  if (headers[TIMING_REQUEST] === undefined) return;
  headers[TIMING_REQUEST] = `${systemClock.now()} ${idleMs()} ${busyLoopMs()}`;
}

/** How a request arrived that is whole now; undefined if its client didn't ask. */
export function readArrival(value: unknown): RequestArrival | undefined {
  if (typeof value !== 'string') return undefined;
  const [at = Number.NaN, idleThenMs = Number.NaN, busyMs = Number.NaN] = value.split(' ').map(Number);
  // While the loop was idle, the rest of the request was on its way.
  const sendMs = idleMs() - idleThenMs;
  const queueMs = systemClock.now() - at - sendMs;
  return Number.isNaN(queueMs + busyMs) ? undefined : { sendMs, queueMs, busyMs };
}
