import type { Payload, Reply } from '../call/index.js';
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
  const { group, budget, attempts } = options;
  const tried: Member[] = [];
  let lapsed: Member | undefined;
  const request = guardRequest(wire.request);
  budget.deposit();
  await group.known();
  for (;;) {
    wire.limit.throwIfEnded();
    const member = group.pick(tried) ?? lapsed;
    lapsed = undefined;
    if (member === undefined) throw exhausted(method, attempts, group);
    const first = !tried.includes(member);
    const connected = member.transport.state === 'ready';
    tried.push(member);
    try {
      return await attempt(member, { ...wire, request: request.payload }, options);
    } catch (error) {
      const again = mayTryAgain(method, error) && !request.touched() && wire.limit.reason === undefined;
      if (!again || !budget.withdraw()) throw error;
      if (first && connected && neverHandled(error)) lapsed = member;
    }
  }
}

async function attempt(
  member: Member,
  wire: WireCall,
  { clock, attempts }: AttemptOptions,
): Promise<Reply<Uint8Array>> {
  const { endpoint, transport } = member;
  const startedAt = clock.now();
  const index = attempts.length;
  const record = (code: Attempt['code'], message: string) => {
    const elapsedMs = clock.now() - startedAt;
    attempts[index] = { instance: endpoint.instanceId, address: endpoint.address, code, message, elapsedMs };
  };
  const end = (error?: unknown) => {
    if (error instanceof RpcError) record(error.codeName, error.message);
    else if (error === undefined) record('OK', '');
  };
  record('PENDING', 'no answer yet');
  try {
    if (transport.state !== 'ready') await transport.connect(wire.limit.signal);
    return observeReply(await transport.call(wire), { end });
  } catch (error) {
    end(error);
    throw error;
  }
}

function mayTryAgain({ policy }: Method, error: unknown): boolean {
  return neverHandled(error) || (error instanceof TransportError && policy.idempotency !== 'unknown');
}

function neverHandled(error: unknown): boolean {
  return error instanceof TransportError && error.reach === 'never';
}

/** A request stream can be sent once: whether it was begun decides whether the call can go elsewhere. */
function guardRequest(payload: Payload<Uint8Array>): { payload: Payload<Uint8Array>; touched: () => boolean } {
  if (!payload.stream) return { payload, touched: () => false };
  let begun = false;
  const messages: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]() {
      begun = true;
      return payload.messages[Symbol.asyncIterator]();
    },
  };
  return { payload: { stream: true, messages }, touched: () => begun };
}

/** Every instance was tried, or can't be. */
function exhausted(method: Method, attempts: readonly Attempt[], group: EndpointGroup): RpcError {
  const untried = group.members.filter(
    ({ endpoint }) => !attempts.some(({ instance }) => instance === endpoint.instanceId),
  );
  const reasons = [
    ...attempts.map(({ instance, message }) => `${instance}: ${message}`),
    ...untried.map(
      ({ endpoint, transport }) => `${endpoint.instanceId}: ${whyNot(endpoint.serving, transport.lastError)}`,
    ),
  ];
  return new RpcError(Status.UNAVAILABLE, `no instance of ${method.service} can take the call: ${reasons.join('; ')}`);
}

function whyNot(serving: boolean, lastError: string | undefined): string {
  return serving ? (lastError ?? 'not connected') : 'not serving';
}
