import type { PickCall } from '../balancer/picker.js';
import type { Reply } from '../call/index.js';
import { type Clock, sleep } from '../clock/index.js';
import type { Method } from '../contract/index.js';
import { type Attempt, RpcError } from '../status/index.js';
import { RouterError, TransportError, type WireCall } from '../transport/index.js';
import { CallAttempt } from './attempt.js';
import type { EndpointPool } from './endpoint-pool.js';
import type { MethodCandidate } from './method-candidate.js';
import { finalError } from './no-instance.js';
import { isServerFault } from './outlier-detection/criteria.js';
import { type Refusal, refusalOf } from './refusals.js';
import type { RetryBudget } from './retry-budget.js';
import { requestedVersion } from './traffic-groups.js';
import { untilKnown, untilPicked, type Waiting } from './wait-for-pick.js';

/** What a call is tried with. */
export interface AttemptOptions {
  readonly pool: EndpointPool;
  readonly budget: RetryBudget;
  readonly clock: Clock;
  /** Filled with each try, as it begins and as it ends. */
  readonly attempts: Attempt[];
  /** What decides where it goes, where the service is balanced by that. */
  readonly hashKey?: string | undefined;
  /** The instance that isn't asked where another takes the call. */
  readonly lost?: string | undefined;
}

/** How long a call waits before it is tried again at the very instance that has just turned it away. Milliseconds. */
const SAME_AGAIN_MS = 20;

/**
 * Makes a call, and tries it at another instance where that is safe: the call provably never reached a handler, or
 * its method may be called again. An instance is tried once a call; where there is no other, one whose connection had
 * gone before the call could be taken is tried once more, over its next connection. So is the one that was lost.
 */
export async function callWithRetries(
  method: Method,
  wire: WireCall,
  options: AttemptOptions,
): Promise<Reply<Uint8Array>> {
  const { pool, budget, clock, attempts, hashKey, lost } = options;
  const request = guardRequest(wire);
  const earlier = attempts.length;
  budget.deposit();
  const known = untilKnown(wire, options);
  if (known !== undefined) await known;
  let lapsed = lost === undefined ? undefined : pool.find(lost)?.candidate(method.path);
  const tried = lapsed === undefined ? [] : [lapsed];
  const pick = { hashKey, tried, version: requestedVersion(wire) };
  let failure: Failure | undefined;
  for (;;) {
    wire.limit.throwIfEnded();
    const candidate = pool.pick(method, pick) ?? (await pickAnother(method, wire, { ...options, pick, lapsed }));
    if (candidate === undefined)
      throw finalError(method, failure, { pool, attempts: attempts.slice(earlier), version: pick.version });
    if (failure?.costs && !budget.withdraw()) throw failure.error;
    const again = tried.includes(candidate);
    if (again) await sleep(clock, SAME_AGAIN_MS, wire.limit.signal);
    lapsed = again ? undefined : candidate;
    tried.push(candidate);
    const attempt = new CallAttempt(candidate, pool, clock);
    attempts.push(attempt);
    try {
      const reply = await candidate.subchannel.transport.call(request.wire);
      pool.onAnswer(candidate);
      return attempt.follow(reply, wire);
    } catch (error) {
      attempt.failed(error, wire);
      failure = classifyFailure(method, error, attempt.probe);
      reportFailure(candidate, failure, pool);
      if (!failure?.again || request.begun || wire.limit.reason !== undefined) throw error;
      if (!failure.lapsed) lapsed = undefined;
    }
  }
}

/** What of a call decides where it goes, and whom it is told to where it goes nowhere. */
interface PickOptions extends Omit<AttemptOptions, 'budget'> {
  readonly version?: string | undefined;
}

/** Picks as {@link callWithRetries} does for a call's first try, which isn't made. */
export async function pickFirst(method: Method, waiting: Waiting, options: PickOptions): Promise<MethodCandidate> {
  const { hashKey, version } = options;
  await untilKnown(waiting, options);
  waiting.limit.throwIfEnded();
  const candidate = await untilPicked(method, waiting, { ...options, pick: { hashKey, tried: [], version } });
  if (candidate === undefined) throw finalError(method, undefined, options);
  return candidate;
}

interface OtherOptions extends AttemptOptions {
  readonly pick: PickCall<MethodCandidate>;
  /** One that may be tried once more. */
  readonly lapsed: MethodCandidate | undefined;
}

/** Waits for one that wasn't tried, and else for the one that may be tried once more. */
async function pickAnother(
  method: Method,
  wire: WireCall,
  options: OtherOptions,
): Promise<MethodCandidate | undefined> {
  const { pick, lapsed } = options;
  const candidate = await untilPicked(method, wire, options);
  if (candidate !== undefined || lapsed === undefined) return candidate;
  const tried = pick.tried.filter((other) => other !== lapsed);
  return untilPicked(method, wire, { ...options, pick: { ...pick, tried } });
}

/** A request on its way, and whether it was begun: a stream can be sent once, so that the call can't go elsewhere then. */
interface GuardedRequest {
  readonly wire: WireCall;
  readonly begun: boolean;
}

function guardRequest(wire: WireCall): GuardedRequest {
  const { request } = wire;
  if (!request.stream) return { wire, begun: false };
  let begun = false;
  const messages: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]() {
      begun = true;
      return request.messages[Symbol.asyncIterator]();
    },
  };
  return {
    wire: { ...wire, request: { stream: true, messages } },
    get begun() {
      return begun;
    },
  };
}

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
export function classifyFailure(method: Method, error: unknown, probe: boolean): Failure | undefined {
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

/** Tells the pool what a failure says of its candidate. */
export function reportFailure(candidate: MethodCandidate, failure: Failure | undefined, pool: EndpointPool): void {
  if (failure?.refusal !== undefined) pool.onRefusal(candidate, failure.refusal);
  else if (failure?.answered) pool.onAnswer(candidate);
}
