import type { PickCall } from '../balancer/picker.js';
import type { Payload, Reply } from '../call/call.js';
import { type Clock, sleep } from '../clock/clock.js';
import type { Method } from '../contract/method.js';
import type { Endpoint } from '../resolver/resolver.js';
import { type Attempt, RpcError } from '../status/rpc-error.js';
import { RouterError } from '../transport/router-error.js';
import { TransportError, type WireCall } from '../transport/transport.js';
import { CallAttempt } from './attempt.js';
import type { EndpointPool } from './endpoint-pool.js';
import type { MethodCandidate } from './method-candidate.js';
import { finalError } from './no-instance.js';
import { isServerFault } from './outlier-detection/criteria.js';
import { type Refusal, refusalOf } from './refusals.js';
import type { RetryBudget } from './retry-budget.js';
import { requestedVersion } from './traffic-groups.js';
import { untilKnown, untilPicked, type Waiting } from './wait-for-pick.js';

/** Makes the request of each attempt, for calls whose encoding depends on the instance that was picked. */
export interface RequestSource {
  /** The request for the instance that was just picked. Undefined: the instance can't take the call, so another is tried. */
  requestFor(to: Endpoint): Payload<Uint8Array> | undefined;
}

/** What a call is made with. */
export interface AttemptOptions {
  readonly pool: EndpointPool;
  readonly budget: RetryBudget;
  readonly clock: Clock;
  /** Filled with each attempt when it begins, and updated when it ends. */
  readonly attempts: Attempt[];
  /** The call's key for ring_hash. */
  readonly hashKey?: string | undefined;
  /** The instance to avoid if another one can take the call: it has just failed. */
  readonly lost?: string | undefined;
  /** Makes the request of each attempt instead of the wire call's. */
  readonly requests?: RequestSource | undefined;
}

/** How long a call waits before its second attempt at the same instance. Milliseconds. */
const SAME_INSTANCE_DELAY_MS = 20;

/**
 * Makes a call and retries it at another instance if that is safe: the call provably did not reach a handler, or its method
 * may be repeated. Each instance gets one attempt. If no other is left, the instance whose connection was lost before it
 * could take the call gets a second one, over its next connection.
 */
export async function callWithRetries(
  method: Method,
  wire: WireCall,
  options: AttemptOptions,
): Promise<Reply<Uint8Array>> {
  const { pool, budget, clock, attempts, hashKey, lost, requests } = options;
  let request = retryable(wire);
  const earlier = attempts.length;
  budget.deposit();
  const known = untilKnown(wire, options);
  if (known !== undefined) await known;
  let repeatable = lost === undefined ? undefined : pool.find(lost)?.candidate(method.path);
  const tried = repeatable === undefined ? [] : [repeatable];
  const pick = { hashKey, tried, version: requestedVersion(wire) };
  const unfit: MethodCandidate[] = [];
  let failure: Failure | undefined;
  for (;;) {
    wire.context.throwIfEnded();
    const candidate = pool.pick(method, pick) ?? (await pickAnother(method, wire, { ...options, pick, repeatable }));
    if (candidate === undefined)
      throw finalError(method, failure, { pool, attempts: attempts.slice(earlier), version: pick.version, unfit });
    const repeated = tried.includes(candidate);
    const payload = requests === undefined ? wire.request : requests.requestFor(candidate.endpoint);
    if (payload === undefined) {
      unfit.push(candidate);
      if (repeated) repeatable = undefined;
      else tried.push(candidate);
      continue;
    }
    if (payload !== request.payload) request = retryable({ ...wire, request: payload });
    if (failure?.costs && !budget.withdraw()) throw failure.error;
    if (repeated) await sleep(clock, SAME_INSTANCE_DELAY_MS, wire.context.signal);
    repeatable = repeated ? undefined : candidate;
    tried.push(candidate);
    const attempt = new CallAttempt(candidate, pool, clock);
    attempts.push(attempt);
    try {
      const reply = await candidate.subchannel.transport.call(request.wire);
      return attempt.succeed(reply, wire);
    } catch (error) {
      failure = classifyFailure(method, error, attempt.probe);
      attempt.fail(error, wire, failure);
      if (!failure?.retryable || request.started || wire.context.reason !== undefined) throw error;
      if (!failure.connectionLost) repeatable = undefined;
    }
  }
}

/** What decides where a call goes. */
interface PickOptions extends Omit<AttemptOptions, 'budget'> {
  readonly version?: string | undefined;
}

/** Picks the instance of a call's first attempt without making it. */
export async function pickFirst(method: Method, waiting: Waiting, options: PickOptions): Promise<MethodCandidate> {
  const { hashKey, version } = options;
  await untilKnown(waiting, options);
  waiting.context.throwIfEnded();
  const candidate = await untilPicked(method, waiting, { ...options, pick: { hashKey, tried: [], version } });
  if (candidate === undefined) throw finalError(method, undefined, options);
  return candidate;
}

interface OtherOptions extends AttemptOptions {
  readonly pick: PickCall<MethodCandidate>;
  /** The candidate that may get a second attempt. */
  readonly repeatable: MethodCandidate | undefined;
}

/** Waits for an instance that was not tried, or else for the one that may get a second attempt. */
async function pickAnother(
  method: Method,
  wire: WireCall,
  options: OtherOptions,
): Promise<MethodCandidate | undefined> {
  const { pick, repeatable } = options;
  const candidate = await untilPicked(method, wire, options);
  if (candidate !== undefined || repeatable === undefined) return candidate;
  const tried = pick.tried.filter((other) => other !== repeatable);
  return untilPicked(method, wire, { ...options, pick: { ...pick, tried } });
}

/** A request, and whether its stream has been started: a started stream can't be sent again, so the call can't be retried. */
interface RetryableRequest {
  readonly wire: WireCall;
  /** The request as its caller passed it. */
  readonly payload: WireCall['request'];
  readonly started: boolean;
}

function retryable(wire: WireCall): RetryableRequest {
  const { request } = wire;
  if (!request.stream) return { wire, payload: request, started: false };
  let started = false;
  const messages: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]() {
      started = true;
      return request.messages[Symbol.asyncIterator]();
    },
  };
  return {
    wire: { ...wire, request: { stream: true, messages } },
    payload: request,
    get started() {
      return started;
    },
  };
}

/** What a failed attempt means for the call. */
export interface Failure {
  readonly error: RpcError;
  /** Whether the call may be retried at another instance. */
  readonly retryable: boolean;
  /** Whether the retry counts against the budget. A call that never left this process costs nothing. */
  readonly costs: boolean;
  /** Whether the connection was lost before the server could take the call. */
  readonly connectionLost: boolean;
  readonly refusal: Refusal | undefined;
  /** Whether the failure is an answer from the method's handler. */
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
    return { error, retryable: safe || refusal.proven, costs: true, connectionLost: false, refusal, answered: false };
  }
  if (!(error instanceof TransportError)) {
    const unhandled = error instanceof RouterError && error.handled === 'never';
    const canRetry = unhandled || (probe && safe && isServerFault(error.code));
    return { error, retryable: canRetry, costs: true, connectionLost: false, refusal, answered: true };
  }
  const unhandled = error.reach !== 'unknown';
  const costs = error.reach !== 'unsent';
  return { error, retryable: safe || unhandled, costs, connectionLost: unhandled, refusal, answered: false };
}
