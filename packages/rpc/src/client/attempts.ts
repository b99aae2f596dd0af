import type { Reply } from '../call/index.js';
import { type Clock, sleep } from '../clock/index.js';
import type { Method } from '../contract/index.js';
import type { RetryBudget } from '../resilience/index.js';
import { type Attempt, RpcError, Status } from '../status/index.js';
import { TransportError, type WireCall } from '../transport/index.js';
import type { EndpointGroup } from './endpoint-group.js';
import type { Member } from './member.js';
import { type Refusal, refusalOf } from './refusals.js';
import { Try, waitForConnections } from './try.js';

/** What a call is tried with. */
export interface AttemptOptions {
  readonly group: EndpointGroup;
  readonly budget: RetryBudget;
  readonly clock: Clock;
  /** Filled with each try, as it begins and as it ends. */
  readonly attempts: Attempt[];
}

/**
 * Makes a call, and tries it at another instance where that is safe: the call provably never reached a handler, or
 * its method may be called again. An instance is tried once a call; where there is no other, one whose connection had
 * gone before the call could be taken is tried once more, over its next connection.
 */
export async function tryInTurn(method: Method, wire: WireCall, options: AttemptOptions): Promise<Reply<Uint8Array>> {
  const { group, budget, clock, attempts } = options;
  const tried: Member[] = [];
  let lapsed: Member | undefined;
  let failure: Failure | undefined;
  const request = guardRequest(wire);
  budget.deposit();
  const known = group.known();
  if (known !== undefined) await hold(known, wire, clock);
  for (;;) {
    wire.limit.throwIfEnded();
    const member = group.pick(method, tried) ?? (await anyOther(method, wire, { ...options, tried, lapsed }));
    if (member === undefined) throw outcome(method, failure, options);
    if (failure?.costs && !budget.withdraw()) throw failure.error;
    if (tried.includes(member)) {
      lapsed = undefined;
      await sleep(clock, SAME_AGAIN_MS, wire.limit.signal);
    } else {
      lapsed = member;
    }
    tried.push(member);
    const attempt = new Try(member, clock);
    attempts.push(attempt);
    try {
      const reply = await member.transport.call(request.wire);
      group.onAnswer(member, method);
      if (wire.responseStream) return attempt.follow(reply);
      attempt.end();
      return reply;
    } catch (error) {
      attempt.end(error);
      failure = judge(method, error);
      if (failure?.refusal !== undefined) group.onRefusal(member, method, failure.refusal);
      else if (failure?.answered) group.onAnswer(member, method);
      if (!failure?.again || request.touched() || wire.limit.reason !== undefined) throw error;
      if (!failure.lapsed) lapsed = undefined;
    }
  }
}

/** How long a call waits before it is tried again at the very instance that has just turned it away. Milliseconds. */
const SAME_AGAIN_MS = 20;

/** What a failure means for the call. */
interface Failure {
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

function judge(method: Method, error: unknown): Failure | undefined {
  if (!(error instanceof RpcError)) return undefined;
  const safe = method.policy.idempotency !== 'unknown';
  const refusal = refusalOf(method, error);
  if (refusal !== undefined) {
    return { error, again: safe || refusal.proven, costs: true, lapsed: false, refusal, answered: false };
  }
  if (!(error instanceof TransportError)) {
    return { error, again: false, costs: true, lapsed: false, refusal, answered: true };
  }
  const unhandled = error.reach !== 'unknown';
  const costs = error.reach !== 'unsent';
  return { error, again: safe || unhandled, costs, lapsed: unhandled, refusal, answered: false };
}

interface OtherOptions extends AttemptOptions {
  readonly tried: readonly Member[];
  /** One that may be tried once more. */
  readonly lapsed: Member | undefined;
}

/** Waits for one that can be picked; undefined where there is none to wait for. */
async function anyOther(method: Method, wire: WireCall, options: OtherOptions): Promise<Member | undefined> {
  const { group, tried, lapsed, clock } = options;
  for (;;) {
    const member = group.pick(method, tried);
    if (member !== undefined) return member;
    const coming = group.coming(method, tried);
    if (coming.length === 0) break;
    await hold(waitForConnections(coming, group.changed(), options), wire, clock);
    wire.limit.throwIfEnded();
  }
  if (lapsed === undefined) return undefined;
  const others = tried.filter((member) => member !== lapsed);
  return anyOther(method, wire, { ...options, tried: others, lapsed: undefined });
}

/** Waits for `change`. The process lives for that as long as the call does: looking up holds nothing. */
function hold(change: Promise<void>, { limit }: WireCall, clock: Clock): Promise<void> {
  const timer = clock.setTimer(Number.POSITIVE_INFINITY, () => undefined);
  const letGo = () => timer.cancel();
  limit.onEnd(letGo);
  return change.finally(() => {
    limit.offEnd(letGo);
    letGo();
  });
}

/** A request stream can be sent once: whether it was begun decides whether the call can go elsewhere. */
function guardRequest(wire: WireCall): { wire: WireCall; touched: () => boolean } {
  const { request } = wire;
  if (!request.stream) return { wire, touched: never };
  let begun = false;
  const messages: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]() {
      begun = true;
      return request.messages[Symbol.asyncIterator]();
    },
  };
  return { wire: { ...wire, request: { stream: true, messages } }, touched: () => begun };
}

const never = (): boolean => false;

/** How a call ends that nobody is left for: with what all say, or with what keeps it from each. */
function outcome(method: Method, failure: Failure | undefined, { group, attempts }: AttemptOptions): RpcError {
  if (failure?.refusal !== undefined && group.refusedByAll(method)) return failure.error;
  const reasons = attempts.map(({ message, ...where }) => `${nameOf(where)}: ${message}`);
  for (const member of group.members) {
    const { instanceId: instance, address } = member.endpoint;
    if (attempts.some((attempt) => attempt.instance === instance)) continue;
    reasons.push(`${nameOf({ instance, address })}: ${member.whyNot(method.path) ?? 'not tried'}`);
  }
  return new RpcError(Status.UNAVAILABLE, `no instance of ${method.service} can take the call: ${reasons.join('; ')}`);
}

export function nameOf({ instance, address }: Pick<Attempt, 'instance' | 'address'>): string {
  return instance === address ? address : `${instance} at ${address}`;
}
