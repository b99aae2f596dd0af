import type { PickCall } from '../balancer/picker.js';
import type { Reply } from '../call/index.js';
import { type Clock, sleep } from '../clock/index.js';
import type { Method } from '../contract/index.js';
import type { RetryBudget } from './retry-budget.js';
import { type Attempt, RpcError } from '../status/index.js';
import { type WireCall, RouterError, TransportError } from '../transport/index.js';
import type { EndpointGroup } from './endpoint-pool.js';
import type { Target } from './method-subchannel.js';
import { askedVersion } from './traffic-groups.js';
import { lastError } from './no-instance.js';
import { TargetTry } from './attempt.js';
import { untilKnown, untilPicked, type Waiting } from './wait-for-pick.js';
import { isServerFault } from './outlier-detection/criteria.js';
import { type Refusal, refusalOf } from './refusals.js';

/** What a call is tried with. */
export interface AttemptOptions {
  readonly group: EndpointGroup;
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
export async function tryInTurn(method: Method, wire: WireCall, options: AttemptOptions): Promise<Reply<Uint8Array>> {
  const { group, budget, clock, attempts, hashKey, lost } = options;
  const request = guardRequest(wire);
  const earlier = attempts.length;
  budget.deposit();
  const known = untilKnown(wire, options);
  if (known !== undefined) await known;
  let lapsed = lost === undefined ? undefined : group.find(lost)?.target(method.path);
  const tried = lapsed === undefined ? [] : [lapsed];
  const pick = { hashKey, tried, version: askedVersion(wire) };
  let failure: Failure | undefined;
  for (;;) {
    wire.limit.throwIfEnded();
    const target = group.pick(method, pick) ?? (await anyOther(method, wire, { ...options, pick, lapsed }));
    if (target === undefined)
      throw lastError(method, failure, { group, attempts: attempts.slice(earlier), version: pick.version });
    if (failure?.costs && !budget.withdraw()) throw failure.error;
    const again = tried.includes(target);
    if (again) await sleep(clock, SAME_AGAIN_MS, wire.limit.signal);
    lapsed = again ? undefined : target;
    tried.push(target);
    const attempt = new TargetTry(target, group, clock);
    attempts.push(attempt);
    try {
      const reply = await target.member.transport.call(request.wire);
      group.onAnswer(target);
      return attempt.follow(reply, wire);
    } catch (error) {
      attempt.failed(error, wire);
      failure = judge(method, error, attempt.probe);
      noteFailure(target, failure, group);
      if (!failure?.again || request.begun || wire.limit.reason !== undefined) throw error;
      if (!failure.lapsed) lapsed = undefined;
    }
  }
}

/** What of a call decides where it goes, and whom it is told to where it goes nowhere. */
interface PickOptions extends Omit<AttemptOptions, 'budget'> {
  readonly version?: string | undefined;
}

/** Picks as {@link tryInTurn} does for a call's first try, which isn't made. */
export async function pickFirst(method: Method, waiting: Waiting, options: PickOptions): Promise<Target> {
  const { hashKey, version } = options;
  await untilKnown(waiting, options);
  waiting.limit.throwIfEnded();
  const target = await untilPicked(method, waiting, { ...options, pick: { hashKey, tried: [], version } });
  if (target === undefined) throw lastError(method, undefined, options);
  return target;
}

interface OtherOptions extends AttemptOptions {
  readonly pick: PickCall<Target>;
  /** One that may be tried once more. */
  readonly lapsed: Target | undefined;
}

/** Waits for one that wasn't tried, and else for the one that may be tried once more. */
async function anyOther(method: Method, wire: WireCall, options: OtherOptions): Promise<Target | undefined> {
  const { pick, lapsed } = options;
  const target = await untilPicked(method, wire, options);
  if (target !== undefined || lapsed === undefined) return target;
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
