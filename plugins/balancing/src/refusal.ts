import { type Clocks, dateOf } from '@rondo/base';
import { RetryInfo } from '@rondo/contracts/google/rpc/error_details';
import type { Method, TransportError } from '@rondo/rpc/internal';
import { packDetail } from '@rondo/rpc/status';
import type { BreakerFigures } from './breaker.js';
import type { Bulkhead, BulkheadRefusal } from './bulkhead.js';
import { balancingErrors } from './errors.js';

/** The error of a call that a breaker refuses. */
export function breakerOpen({ path, service, name }: Method, breaker: BreakerFigures, clocks: Clocks): TransportError {
  const now = clocks.clock.now();
  const { openedAt, probeAt, reason } = breaker;
  const since = dateOf(openedAt, clocks).toISOString();
  const waitMs = Math.max(0, probeAt - now);
  const values = {
    method: path.slice(1),
    figuresAndLastError: reason,
    seconds: secondsOf(now - openedAt),
    time: since,
    milliseconds: Math.ceil(waitMs),
  };
  return balancingErrors.BREAKER_OPEN(values, {
    reach: 'unsent',
    info: { service, method: name, openSince: since, reason },
    details: [packDetail(RetryInfo, { retryDelay: durationOf(waitMs) })],
  });
}

/** The error of a call that a bulkhead refuses. */
export function bulkheadFull(
  { path, service, name }: Method,
  bulkhead: Bulkhead,
  why: BulkheadRefusal,
): TransportError {
  const { inFlight, queued, policy } = bulkhead;
  const { maxCalls, maxQueued, queueTimeoutMs } = policy;
  const reason =
    why === 'late'
      ? `the call has waited for ${queueTimeoutMs} ms in its queue (queue_timeout)`
      : maxQueued === 0
        ? 'it has no queue (max_queued)'
        : `${queued} more wait, and its queue takes ${maxQueued} (max_queued)`;
  const info = { service, method: name, maxCalls: `${maxCalls}`, maxQueued: `${maxQueued}` };
  return balancingErrors.BULKHEAD_FULL(
    { method: path.slice(1), inFlight, maxCalls, reason },
    { reach: 'unsent', info },
  );
}

const secondsOf = (ms: number): number => Number((ms / 1_000).toFixed(1));

function durationOf(ms: number): { readonly seconds: bigint; readonly nanos: number } {
  const whole = Math.floor(ms / 1_000);
  return { seconds: BigInt(whole), nanos: Math.round((ms - whole * 1_000) * 1e6) };
}
