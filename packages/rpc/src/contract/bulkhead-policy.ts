import type { Bulkhead as BulkheadOption } from '@rondo/contracts/rondo/options/v1/options';
import { duration, within } from './breaker-policy.js';
import { toMs } from './duration.js';

/** How many calls of a method a client has in flight at once. */
export interface BulkheadPolicy {
  /** The most calls in flight. */
  readonly maxCalls: number;
  /** The most calls that wait. */
  readonly maxQueued: number;
  /** How long a call waits at most. Milliseconds. */
  readonly queueTimeoutMs: number;
}

/** The settings of a bulkhead that its contract or configuration leaves out. */
export const DEFAULT_BULKHEAD: Omit<BulkheadPolicy, 'maxCalls'> = { maxQueued: 0, queueTimeoutMs: 1_000 };

/** The ranges of the settings. Milliseconds for those that end in `Ms`. */
export const BULKHEAD_RANGES = {
  maxCalls: [1, 100_000],
  maxQueued: [0, 100_000],
  queueTimeoutMs: [1, 60_000],
} as const;

/** The policy that a contract declares, with defaults filled in. */
export function bulkheadOf({ maxCalls, maxQueued, queueTimeout }: BulkheadOption): BulkheadPolicy {
  const queueTimeoutMs = queueTimeout === undefined ? DEFAULT_BULKHEAD.queueTimeoutMs : toMs(queueTimeout);
  return { maxCalls, maxQueued, queueTimeoutMs };
}

/** What is wrong with the policy, as the end of a sentence; undefined if nothing is. */
export function checkBulkhead({ maxCalls, maxQueued, queueTimeoutMs }: BulkheadPolicy): string | undefined {
  return (
    within('.max_calls', maxCalls, BULKHEAD_RANGES.maxCalls) ??
    within('.max_queued', maxQueued, BULKHEAD_RANGES.maxQueued) ??
    duration('.queue_timeout', queueTimeoutMs, BULKHEAD_RANGES.queueTimeoutMs)
  );
}
