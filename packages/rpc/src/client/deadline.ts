import { millisecondsUntil, type WallClock } from '@rondo/base';
import type { DeadlineSource } from '../call/call-context.js';
import type { Policy } from '../contract/policy.js';
import type { CallOptions } from './client.js';

/** The deadline of a call, and where it comes from. */
export interface CallDeadline {
  /** The deadline by the channel's clock, in milliseconds; undefined if the call has none. NaN if the caller's options are invalid. */
  readonly deadline: number | undefined;
  readonly by: DeadlineSource;
}

/** The circumstances in which a call begins. */
export interface CallStart {
  /** When the call begins, by the channel's clock, in milliseconds. */
  readonly startedAt: number;
  /** The deadline of the call in whose handler this call is made; undefined if there is none. */
  readonly inherited: number | undefined;
  readonly wallClock: WallClock;
}

/**
 * The deadline of a call: the earliest of three.
 *
 * 1. What the caller asks for, or the method's default if the caller asks for nothing.
 * 2. The contract's timeout. No caller can exceed it.
 * 3. The deadline of the call in whose handler this call is made.
 *
 * It is NaN if the caller's `timeoutMs` or `deadline` is invalid.
 */
export function deadlineOf(policy: Policy, options: CallOptions, start: CallStart): CallDeadline {
  const { startedAt, inherited = NEVER } = start;
  const requested = requestedTimeoutMs(options, start.wallClock);
  const ownMs = requested ?? policy.defaultTimeoutMs ?? NEVER;
  const allowedMs = policy.timeoutMs ?? NEVER;
  const at = Math.min(startedAt + Math.min(ownMs, allowedMs), inherited);
  if (at === NEVER) return UNLIMITED;
  if (at === inherited) return { deadline: at, by: 'inherited' };
  if (allowedMs <= ownMs) return { deadline: at, by: 'contract' };
  return { deadline: at, by: requested === undefined ? 'default' : 'caller' };
}

/** The time from now on that the caller asks for, in milliseconds; undefined if it sets neither timeout nor deadline. */
export function requestedTimeoutMs(
  { timeoutMs, deadline }: Pick<CallOptions, 'timeoutMs' | 'deadline'>,
  wallClock: WallClock,
): number | undefined {
  if (deadline === undefined) return timeoutMs;
  return Math.min(timeoutMs ?? NEVER, millisecondsUntil(deadline, wallClock));
}

const NEVER = Number.POSITIVE_INFINITY;
const UNLIMITED: CallDeadline = { deadline: undefined, by: 'caller' };
