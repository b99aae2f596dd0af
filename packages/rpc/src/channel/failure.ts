import type { Method } from '../contract/method.js';
import { DEFAULT_RETRY } from '../contract/retry-policy.js';
import { RpcError } from '../status/rpc-error.js';
import { RouterError, TransportError } from '../status/wire-errors.js';
import { isServerFault } from './outlier-detection/criteria.js';
import { type Refusal, refusalOf } from './refusals.js';

/** What a failed attempt means for the call. */
export interface Failure {
  readonly error: RpcError;
  /** Whether the call may be retried at another instance. */
  readonly retryable: boolean;
  /** Whether the retry counts against the budget. A call that never left this process costs nothing. */
  readonly costs: boolean;
  /**
   * Whether the attempt counts towards the method's `maxAttempts`. It doesn't if its connection failed before the
   * server could take the call, or if the instance doesn't serve the method.
   */
  readonly counts: boolean;
  /** Whether the connection was lost before the server could take the call. */
  readonly connectionLost: boolean;
  readonly refusal: Refusal | undefined;
  /** Whether the failure is an answer from the server: the retry waits, and this is the call's error if there is none. */
  readonly answered: boolean;
}

/**
 * Classifies the failure of an attempt; undefined if `error` is no gRPC status.
 *
 * @param probe whether the attempt was a probe. A failed probe may be retried if the method is safe to repeat.
 */
export function classifyFailure(method: Method, error: unknown, probe: boolean): Failure | undefined {
  if (!(error instanceof RpcError)) return undefined;
  const safe = method.policy.idempotency !== 'unknown';
  const refusal = refusalOf(method, error);
  if (refusal !== undefined) {
    const retryable = safe || refusal.proven;
    return { error, retryable, costs: true, counts: false, connectionLost: false, refusal, answered: false };
  }
  if (!(error instanceof TransportError)) {
    const retryable = isAllowed(error) && (isUnhandled(error) || (safe && isRetried(method, error, probe)));
    return { error, retryable, costs: true, counts: true, connectionLost: false, refusal, answered: true };
  }
  const unhandled = error.reach !== 'unknown';
  const costs = error.reach !== 'unsent';
  const retryable = safe || unhandled;
  return { error, retryable, costs, counts: !unhandled, connectionLost: unhandled, refusal, answered: false };
}

/** Whether the server lets the client retry. A server that passes on the error of its own call has retried that call itself. */
function isAllowed({ retryPushbackMs = 0 }: RpcError): boolean {
  return retryPushbackMs >= 0;
}

function isUnhandled(error: RpcError): boolean {
  return error instanceof RouterError && error.handled === 'never';
}

function isRetried({ policy: { retry = DEFAULT_RETRY } }: Method, { code }: RpcError, probe: boolean): boolean {
  return retry.codes.has(code) || (probe && isServerFault(code));
}
