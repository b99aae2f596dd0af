import type { Method } from '../../contract/index.js';
import { isServerFault } from '../../resilience/outlier.js';
import { RpcError } from '../../status/index.js';
import { RouterError, TransportError } from '../../transport/index.js';
import type { EndpointGroup } from '../group/endpoint-group.js';
import { type Refusal, refusalOf } from '../member/refusals.js';
import type { Target } from '../member/target.js';

/** What a failure means for the call. */
export interface Failure {
  readonly error: RpcError;
  /** Whether the call may be tried elsewhere. */
  readonly again: boolean;
  /** Whether that is paid for: a call that never left this process burdens nobody. */
  readonly costs: boolean;
  /** Whether the connection had gone before the call could be taken. */
  readonly lapsed: boolean;
  readonly refusal: Refusal | undefined;
  /** Whether the failure is the answer of whoever serves the method. */
  readonly answered: boolean;
}

/**
 * What `error` means for a call of `method`; undefined where it is no failure of a call.
 *
 * @param probe whether the call found out for others how an instance is: that isn't to be its loss.
 */
export function judge(method: Method, error: unknown, probe: boolean): Failure | undefined {
  if (!(error instanceof RpcError)) return undefined;
  const safe = method.policy.idempotency !== 'unknown';
  const refusal = refusalOf(method, error);
  if (refusal !== undefined) {
    return { error, again: safe || refusal.proven, costs: true, lapsed: false, refusal, answered: false };
  }
  if (!(error instanceof TransportError)) {
    const unhandled = error instanceof RouterError && error.handled === 'never';
    const again = unhandled || (probe && safe && isServerFault(error.code));
    return { error, again, costs: true, lapsed: false, refusal, answered: true };
  }
  const unhandled = error.reach !== 'unknown';
  const costs = error.reach !== 'unsent';
  return { error, again: safe || unhandled, costs, lapsed: unhandled, refusal, answered: false };
}

/** Tells the group what a failure says of its target. */
export function noteFailure(target: Target, failure: Failure | undefined, group: EndpointGroup): void {
  if (failure?.refusal !== undefined) group.onRefusal(target, failure.refusal);
  else if (failure?.answered) group.onAnswer(target);
}
