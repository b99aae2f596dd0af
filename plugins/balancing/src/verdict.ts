import { isNeutral, isServerFault, type Method } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';

/** What a call that has ended says about its service. A neutral one says nothing. */
export type Verdict = 'good' | 'bad' | 'neutral';

/** How a call ended. */
export interface CallEnd {
  /** The failure; undefined if the call succeeded. */
  readonly error: unknown;
  readonly elapsedMs: number;
  /** Why the call's context ended before its answer; undefined if it didn't. */
  readonly reason: RpcError | undefined;
}

/** A call that used this much of the contract's timeout has given the service enough time. */
const BLAMED_PART_OF_TIMEOUT = 0.9;

/** How long a call must have taken for an exceeded deadline to be the service's fault. Milliseconds. */
export function blameFromMs({ policy }: Method, slowCallMs: number | undefined): number {
  const timeoutMs = policy.timeoutMs ?? policy.defaultTimeoutMs ?? Number.POSITIVE_INFINITY;
  return slowCallMs ?? timeoutMs * BLAMED_PART_OF_TIMEOUT;
}

/** What the end of a call says about the service. The verdict is neutral if the caller cancelled or had set a short deadline. */
export function verdictOf({ error, elapsedMs, reason }: CallEnd, blamedFromMs: number): Verdict {
  if (reason !== undefined && reason.code !== Status.DEADLINE_EXCEEDED) return 'neutral';
  if (error === undefined) return 'good';
  if (!(error instanceof RpcError)) return 'neutral';
  if (error.code === Status.DEADLINE_EXCEEDED || reason !== undefined) {
    return elapsedMs >= blamedFromMs ? 'bad' : 'neutral';
  }
  if (isServerFault(error.code)) return 'bad';
  return isNeutral(error.code) || error.origin === 'client' ? 'neutral' : 'good';
}
