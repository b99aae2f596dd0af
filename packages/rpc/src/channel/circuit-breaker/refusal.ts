import { ErrorInfo, RetryInfo } from '@rondo/contracts/google/rpc/error_details';
import { type Clocks, dateOf } from '../../clock/clock.js';
import type { Method } from '../../contract/method.js';
import { Status } from '../../status/code.js';
import { packDetail } from '../../status/detail.js';
import { TransportError } from '../../transport/transport.js';
import type { BreakerFigures } from './breaker.js';
import type { Bulkhead, BulkheadRefusal } from './bulkhead.js';

/** The domain of the `google.rpc.ErrorInfo` that this process adds to its refusals. */
const DOMAIN = 'rondo';

/** The error of a call that a breaker refuses. */
export function breakerOpen({ path, service, name }: Method, breaker: BreakerFigures, clocks: Clocks): TransportError {
  const now = clocks.clock.now();
  const { openedAt, probeAt, reason } = breaker;
  const since = dateOf(openedAt, clocks).toISOString();
  const waitMs = Math.max(0, probeAt - now);
  const openFor = `for ${secondsOf(now - openedAt)} s, since ${since}`;
  const metadata = { service, method: name, openSince: since, reason };
  const details = [
    packDetail(ErrorInfo, { reason: 'BREAKER_OPEN', domain: DOMAIN, metadata }),
    packDetail(RetryInfo, { retryDelay: durationOf(waitMs) }),
  ];
  const message = `the breaker of ${path.slice(1)} is open: ${reason}; ${openFor}; the next call probes in ${Math.ceil(waitMs)} ms`;
  // @text the breaker of <service>/<method> is open: <figures> (the last: <error>); for <seconds> s, since <time>; the next call
  // probes in <milliseconds> ms
  // @cause Most calls of the method by this process failed or were slow, so its circuit breaker has opened. The call wasn't sent.
  // @remedy Look at the service that the text names: the last error is in the text, and `rondo ps --check` shows its instances.
  // The breaker closes by itself, within a second or so after the service works again. docs/guides/breakers.md has its settings.
  // @effect none
  return new TransportError(Status.UNAVAILABLE, message, { reach: 'unsent', details });
}

/** The error of a call that a bulkhead refuses. */
export function bulkheadFull(
  { path, service, name }: Method,
  bulkhead: Bulkhead,
  why: BulkheadRefusal,
): TransportError {
  const { inFlight, queued, policy } = bulkhead;
  const { maxCalls, maxQueued, queueTimeoutMs } = policy;
  const full =
    why === 'late'
      ? `the call has waited for ${queueTimeoutMs} ms in its queue (queue_timeout)`
      : maxQueued === 0
        ? 'it has no queue (max_queued)'
        : `${queued} more wait, and its queue takes ${maxQueued} (max_queued)`;
  const metadata = { service, method: name, maxCalls: `${maxCalls}`, maxQueued: `${maxQueued}` };
  const details = [packDetail(ErrorInfo, { reason: 'BULKHEAD_FULL', domain: DOMAIN, metadata })];
  const message = `the bulkhead of ${path.slice(1)} is full: ${inFlight} calls are in flight, of ${maxCalls} (max_calls), and ${full}`;
  // @text the bulkhead of <service>/<method> is full: <n> calls are in flight, of <max_calls> (max_calls), and <reason>
  // @cause This process has as many calls of the method in flight as its bulkhead allows, and its queue is full or the call has
  // waited in it for too long. The call wasn't sent.
  // @remedy Make fewer calls at once, find out why they take so long, or raise the limits: docs/guides/breakers.md.
  // @effect none
  return new TransportError(Status.RESOURCE_EXHAUSTED, message, { reach: 'unsent', details });
}

const secondsOf = (ms: number): number => Number((ms / 1_000).toFixed(1));

function durationOf(ms: number): { readonly seconds: bigint; readonly nanos: number } {
  const whole = Math.floor(ms / 1_000);
  return { seconds: BigInt(whole), nanos: Math.round((ms - whole * 1_000) * 1e6) };
}
