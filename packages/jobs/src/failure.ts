import { backoffMs } from '@rondo/base';
import type { Random } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { InstanceEnded, isBroken } from './caller.js';
import type { StoredMethod } from './contract.js';
import { errorText, type Failure } from './store.js';

/** How long an attempt waits after one that reached no instance. */
const AWAY_MS = { baseMs: 200, maxMs: 5_000 };

/** How long an attempt waits that has reached no instance, after so many others in a row. Milliseconds. */
export const awayMs = (times: number, random: Random): number =>
  backoffMs(Math.min(times, 10), { ...AWAY_MS, random, jitter: 'equal' });

/** What is stored of an attempt that has failed: the number of `attempts` includes it, and `ends` are those of attempts before. */
export function failureOf(
  job: StoredMethod,
  fault: unknown,
  { attempts, ends, random }: { readonly attempts: number; readonly ends: number; readonly random: Random },
): Failure {
  const ended = fault instanceof InstanceEnded || ends > 1;
  const isFinal = isFinalIn(job, fault);
  return {
    error: errorText(fault),
    ended,
    isFinal,
    staysInLane: job.stopsKey === true || job.maxRunningPerKey !== undefined,
    failed: isFinal || isLast(job, attempts, fault) || (ended && ends > 0),
    backoffMs: ended ? 0 : backoffMs(attempts - 1, { ...job.backoff, random, jitter: 'equal' }),
  };
}

/** Whether no instance took the call: none was reached, or one has too many and says when to call again. */
export const isAway = (error: unknown): error is RpcError =>
  error instanceof RpcError &&
  ((error.code === Status.UNAVAILABLE && !isBroken(error)) ||
    (error.code === Status.RESOURCE_EXHAUSTED && (error.retryPushbackMs ?? -1) >= 0));

/** Whether the error is the outcome of the call for good, as its contract says. */
const isFinalIn = ({ method }: Pick<StoredMethod, 'method'>, error: unknown): boolean =>
  error instanceof RpcError && method.policy.key?.finalCodes.has(error.code) === true;

/**
 * Whether no further attempt is made. If it isn't known what became of the last one, because its time ran out, its connection broke or its process ended, one more
 * learns that by the key.
 */
export const isLast = ({ maxAttempts }: Pick<StoredMethod, 'maxAttempts'>, attempts: number, error: unknown): boolean =>
  attempts > maxAttempts || (attempts === maxAttempts && !isUnknown(error));

const isUnknown = (error: unknown): boolean =>
  error instanceof InstanceEnded ||
  (error instanceof RpcError && (error.code === Status.DEADLINE_EXCEEDED || isBroken(error)));
