import { type Clocks, dateOf } from '@rondo/base';
import type { BreakerPolicy } from '../../contract/breaker-policy.js';
import type { BulkheadPolicy } from '../../contract/bulkhead-policy.js';
import type { BreakerState } from './breaker.js';
import type { MethodGuard } from './method-guard.js';

/** The state of a breaker. */
export interface BreakerView {
  readonly state: BreakerState;
  /** When it opened; undefined while it is closed. */
  readonly openedAt: Date | undefined;
  /** Why it opened; empty while it is closed. */
  readonly reason: string;
  /** The wait before the next probe, in milliseconds; undefined while it is closed. */
  readonly probeInMs: number | undefined;
  /** How often it has opened, and how many calls it has refused. */
  readonly openings: number;
  readonly refused: number;
  /** The calls that it counts now, and the bad ones of them. */
  readonly calls: number;
  readonly bad: number;
  readonly policy: BreakerPolicy;
}

/** The state of a bulkhead. */
export interface BulkheadView {
  readonly inFlight: number;
  readonly queued: number;
  /** How many calls it has refused. */
  readonly refused: number;
  readonly policy: BulkheadPolicy;
}

/** The breaker and the bulkhead of a method. */
export interface GuardView {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly breaker: BreakerView | undefined;
  readonly bulkhead: BulkheadView | undefined;
}

/** The current state of a guard. */
export function viewGuard({ method: { path }, breaker, bulkhead }: MethodGuard, clocks: Clocks): GuardView {
  return {
    path,
    breaker: breaker && viewBreaker(breaker, clocks),
    bulkhead: bulkhead && {
      inFlight: bulkhead.inFlight,
      queued: bulkhead.queued,
      refused: bulkhead.refused,
      policy: bulkhead.policy,
    },
  };
}

function viewBreaker(breaker: NonNullable<MethodGuard['breaker']>, clocks: Clocks): BreakerView {
  const { state, openedAt, reason, probeAt, openings, refused, calls, bad, policy } = breaker;
  const counts = { state, openings, refused, calls, bad, policy };
  if (state === 'closed') return { ...counts, openedAt: undefined, reason: '', probeInMs: undefined };
  const probeInMs = Math.max(0, probeAt - clocks.clock.now());
  return { ...counts, openedAt: dateOf(openedAt, clocks), reason, probeInMs };
}
