import { RetryBudget } from '../../src/channel/failure.js';
import { type AttemptOptions, callWithRetries } from '../../src/channel/retry.js';
import type { Policy } from '../../src/contract/policy.js';
import type { Random } from '../../src/exports/clock.js';
import { type RpcError, Status } from '../../src/exports/status.js';
import { seededRandom } from '../../src/exports/testing.js';
import type { Attempt } from '../../src/status/rpc-error.js';
import { TransportError } from '../../src/status/wire-errors.js';
import type { WireCall, WireHandler } from '../../src/transport/transport.js';
import { resolution } from './endpoints.js';
import { emptyReply } from './fake-transport.js';
import { methodOf } from './method.js';
import { makePool } from './pool.js';
import { wireCall } from './wire-call.js';

export { RetryBudget } from '../../src/channel/failure.js';
export { DEFAULT_RETRY } from '../../src/contract/retry-policy.js';

type Idempotency = Policy['idempotency'];

/** The connection failed before the call left. */
export const unsent = () => new TransportError(Status.UNAVAILABLE, 'no connection', { reach: 'unsent' });
/** The server refused the stream. */
export const never = () => new TransportError(Status.UNAVAILABLE, 'the call was not taken', { reach: 'never' });
/** The connection broke while the call was in flight. */
export const unknown = () => new TransportError(Status.UNAVAILABLE, 'the connection broke', { reach: 'unknown' });

/** Randomness with which retries don't wait: full jitter chooses the shortest wait. */
export const noWaits: Random = { ...seededRandom(1), next: () => 0 };

interface RetriedCallsOptions {
  readonly budget?: RetryBudget;
  /** Whether connections stay `connecting` until the test moves them. */
  readonly byHand?: boolean;
  readonly instances?: readonly string[];
  readonly policy?: Partial<Policy>;
  readonly random?: Random;
}

/** Calls to instances over fake transports. What each instance answers can be set. */
export function makeCalls({
  budget = new RetryBudget(),
  byHand = false,
  instances = ['a', 'b', 'c'],
  policy = {},
  random = noWaits,
}: RetriedCallsOptions = {}) {
  const { pool, at, clock } = makePool({ byHand, source: 'here', random: seededRandom(2) });
  pool.onResolution(resolution(...instances));
  const attempts: Attempt[] = [];
  const asked: string[] = [];
  const answerWith = (handler: (wire: WireCall, name: string) => ReturnType<WireHandler>) => {
    for (const name of instances) {
      at(`${name}:1`).call = (wire) => {
        asked.push(name);
        return handler(wire, name);
      };
    }
  };
  /** The first `count` attempts fail, the next is answered. */
  const failFirst = (count: number, error: () => RpcError) =>
    answerWith(async () => {
      if (asked.length <= count) throw error();
      return emptyReply;
    });
  type Given = Pick<AttemptOptions, 'hedge' | 'maxAttempts' | 'waitForReady'>;
  const call = (idempotency: Idempotency, wire: Partial<WireCall> = {}, given: Given = {}) => {
    const method = methodOf(idempotency);
    const options = { pool, budget, clock, random, attempts, ...given };
    return callWithRetries({ ...method, policy: { ...method.policy, ...policy } }, wireCall(wire), options);
  };
  return { at, pool, clock, attempts, asked, answerWith, failFirst, call };
}
