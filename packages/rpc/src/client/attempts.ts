import type { Reply } from '../call/index.js';
import type { Clock } from '../clock/index.js';
import type { Method } from '../contract/index.js';
import { observeReply } from '../middleware/index.js';
import type { RetryBudget } from '../resilience/index.js';
import { type Attempt, RpcError, Status } from '../status/index.js';
import { TransportError, type WireCall } from '../transport/index.js';
import type { EndpointGroup, Member } from './endpoint-group.js';

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
 * gone before the call could leave is tried once more, over its next connection.
 */
export async function tryInTurn(method: Method, wire: WireCall, options: AttemptOptions): Promise<Reply<Uint8Array>> {
  const { group, budget, clock, attempts } = options;
  const tried: Member[] = [];
  let lapsed: Member | undefined;
  const request = guardRequest(wire);
  budget.deposit();
  const known = group.known();
  if (known !== undefined) await waitFor(known, wire, clock);
  for (;;) {
    wire.limit.throwIfEnded();
    const member = group.pick(tried) ?? lapsed;
    lapsed = undefined;
    if (member === undefined) throw exhausted(method, attempts, group);
    const first = !tried.includes(member);
    const connected = member.transport.state === 'ready';
    tried.push(member);
    const attempt = new Try(member, clock);
    attempts.push(attempt);
    try {
      if (!connected) await attempt.connect(member.transport.connect(wire.limit.signal));
      const reply = await member.transport.call(request.wire);
      if (wire.responseStream) return attempt.follow(reply);
      attempt.end();
      return reply;
    } catch (error) {
      attempt.end(error);
      const again = mayTryAgain(method, error) && !request.touched() && wire.limit.reason === undefined;
      if (!again || !budget.withdraw()) throw error;
      if (first && connected && neverHandled(error)) lapsed = member;
    }
  }
}

/** Waits until something is known. The process lives for that as long as the call does: looking up holds nothing. */
function waitFor(known: Promise<void>, { limit }: WireCall, clock: Clock): Promise<void> {
  const hold = clock.setTimer(Number.POSITIVE_INFINITY, () => undefined);
  const letGo = () => hold.cancel();
  limit.onEnd(letGo);
  return known.finally(() => {
    limit.offEnd(letGo);
    letGo();
  });
}

const NO_ANSWER = 'no answer yet';

/** A try, and how far it has come. */
class Try implements Attempt {
  readonly instance: string;
  readonly address: string;
  code: Attempt['code'] = 'PENDING';
  message = NO_ANSWER;
  elapsedMs = 0;
  readonly #clock: Clock;
  readonly #startedAt: number;

  constructor({ endpoint }: Member, clock: Clock) {
    this.instance = endpoint.instanceId;
    this.address = endpoint.address;
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  /** Waits for the connection, saying so meanwhile. */
  async connect(connecting: Promise<void>): Promise<void> {
    this.message = 'no connection yet';
    await connecting;
    this.message = NO_ANSWER;
  }

  /** The try ends with the stream that answers it. */
  follow(reply: Reply<Uint8Array>): Reply<Uint8Array> {
    this.message = 'the answer has not come to its end';
    return observeReply(reply, { end: (error) => this.end(error) });
  }

  end(error?: unknown): void {
    if (error !== undefined && !(error instanceof RpcError)) return;
    this.code = error?.codeName ?? 'OK';
    this.message = error?.message ?? '';
    this.elapsedMs = this.#clock.now() - this.#startedAt;
  }
}

function mayTryAgain({ policy }: Method, error: unknown): boolean {
  return neverHandled(error) || (error instanceof TransportError && policy.idempotency !== 'unknown');
}

function neverHandled(error: unknown): boolean {
  return error instanceof TransportError && error.reach === 'never';
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

/** Every instance was tried, or can't be. */
function exhausted(method: Method, attempts: readonly Attempt[], group: EndpointGroup): RpcError {
  const reasons = attempts.map(({ message, ...where }) => `${nameOf(where)}: ${message}`);
  for (const { endpoint, transport } of group.members) {
    const { instanceId: instance, address, serving } = endpoint;
    if (attempts.some((attempt) => attempt.instance === instance)) continue;
    reasons.push(
      `${nameOf({ instance, address })}: ${serving ? (transport.lastError ?? 'not connected') : 'not serving'}`,
    );
  }
  return new RpcError(Status.UNAVAILABLE, `no instance of ${method.service} can take the call: ${reasons.join('; ')}`);
}

export function nameOf({ instance, address }: Pick<Attempt, 'instance' | 'address'>): string {
  return instance === address ? address : `${instance} at ${address}`;
}
