import type { DeadlineSource } from '../call/index.js';
import { millisecondsUntil, type WallClock } from '../clock/index.js';
import type { Policy } from '../contract/index.js';
import type { CallOptions } from './client.js';

/** When a call ends at the latest, and by whose word. */
export interface CallDeadline {
  /** By the channel's clock; undefined for never. */
  readonly deadline: number | undefined;
  readonly by: DeadlineSource;
}

/** What a call begins with. */
export interface Beginning {
  /** By the channel's clock. */
  readonly startedAt: number;
  /** When the call ends in whose handler it is made. */
  readonly inherited: number | undefined;
  readonly wallClock: WallClock;
}

/**
 * The soonest of what limits a call: its caller or, where the caller sets nothing, the client's default; the contract,
 * which no caller can exceed; and the call in whose handler it is made. NaN where the caller sets what is no time.
 */
export function deadlineOf(policy: Policy, options: CallOptions, beginning: Beginning): CallDeadline {
  const { startedAt, inherited = NEVER } = beginning;
  const asked = askedMs(options, beginning.wallClock);
  const ownMs = asked ?? policy.defaultTimeoutMs ?? NEVER;
  const allowedMs = policy.timeoutMs ?? NEVER;
  const at = Math.min(startedAt + Math.min(ownMs, allowedMs), inherited);
  if (at === NEVER) return UNLIMITED;
  if (at === inherited) return { deadline: at, by: 'inherited' };
  if (allowedMs <= ownMs) return { deadline: at, by: 'contract' };
  return { deadline: at, by: asked === undefined ? 'default' : 'caller' };
}

/** How long a caller gives a call, or a whole of calls, from now on; undefined where it sets nothing. */
export function askedMs(
  { timeoutMs, deadline }: Pick<CallOptions, 'timeoutMs' | 'deadline'>,
  wallClock: WallClock,
): number | undefined {
  if (deadline === undefined) return timeoutMs;
  return Math.min(timeoutMs ?? NEVER, millisecondsUntil(deadline, wallClock));
}

const NEVER = Number.POSITIVE_INFINITY;
const UNLIMITED: CallDeadline = { deadline: undefined, by: 'caller' };
