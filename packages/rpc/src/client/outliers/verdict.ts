import { isServerFault, isUntelling } from '../../resilience/outlier.js';
import { RpcError, Status } from '../../status/index.js';
import { TransportError } from '../../transport/index.js';
import type { Target, TryOutcome } from '../member/target.js';
import type { MethodOutliers } from './method-outliers.js';

/** What an outcome says of its target: it works, it is to blame, or nothing. */
export type Verdict = 'answer' | 'fault' | 'untelling';

/** What `outcome` says of `target`, by what is known of its method. */
export function verdictOf(target: Target, outcome: TryOutcome, method: MethodOutliers): Verdict {
  const { error, over } = outcome;
  if (over === 'left') return 'untelling';
  if (over === 'expired') return onExpiry(target, outcome, method);
  if (error === undefined) return 'answer';
  if (!(error instanceof RpcError)) return 'untelling';
  if (error instanceof TransportError) return onConnection(target, error);
  if (error.code === Status.DEADLINE_EXCEEDED) return onExpiry(target, outcome, method);
  if (isServerFault(error.code)) return 'fault';
  return isUntelling(error.code) ? 'untelling' : 'answer';
}

/** A caller that is in more of a hurry than the method ever is has nobody to blame. */
function onExpiry(target: Target, { elapsedMs }: TryOutcome, method: MethodOutliers): Verdict {
  return elapsedMs >= method.blameFromMs(target) ? 'fault' : 'untelling';
}

/**
 * A connection that broke took all calls in flight with it: that is one fault, and counted where it is seen. A call that
 * failed while its connection stands is the server's.
 */
function onConnection({ member }: Target, { reach, foreign }: TransportError): Verdict {
  return reach === 'unknown' && !foreign && member.transport.state === 'ready' ? 'fault' : 'untelling';
}
