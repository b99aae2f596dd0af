import type { Clock } from '@rondo/base';
import type { Reply } from '../call/call.js';
import { CallContext, type CallContextOptions } from '../call/call-context.js';
import type { CallOptions, ClientCall } from '../call/client-call.js';
import { encodeMessage } from '../contract/encode.js';
import { enforceContext, type Next } from '../middleware/middleware.js';
import type { Endpoint } from '../resolver/resolver.js';
import type { RpcError } from '../status/rpc-error.js';
import { ForwardContext } from './forward-context.js';

/** A call that many callers may wait for: it doesn't end with the one that it was made for. */
export interface DetachedCall {
  readonly call: ClientCall;
  readonly reply: Promise<Reply>;
  /** The instance that was picked last, if the call is passed on encoded. */
  readonly from: Endpoint | undefined;
  /** Ends the call, unless it has ended. */
  end(reason: RpcError): void;
}

/**
 * Makes `call` again as a call of its own, with the same request and metadata, and `timeoutMs` from now on; `Infinity` for no
 * deadline.
 */
export function detach(
  call: ClientCall,
  next: Next<ClientCall>,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): DetachedCall {
  const startedAt = clock.now();
  const { method, metadata, request, traceId, principal } = call;
  const context =
    call.context instanceof ForwardContext
      ? new ForwardContext({ ...call.context.forwarded, context: new CallContext(), timeoutMs }, clock, startedAt)
      : new CallContext({ clock, by: 'contract', ...deadlineAt(startedAt + timeoutMs) });
  const options = ownOptions(call.options);
  const detached: ClientCall = {
    method,
    metadata,
    request,
    traceId,
    context,
    startedAt,
    options,
    principal,
    attempts: [],
    deadline: undefined,
    get signal() {
      return context.signal;
    },
  };
  const reply = enforceContext(detached, next).finally(() => context.release());
  return {
    call: detached,
    reply,
    get from() {
      return context instanceof ForwardContext ? context.from : undefined;
    },
    end: (reason) => context.end(reason),
  };
}

function deadlineAt(endsAt: number): Pick<CallContextOptions, 'deadline'> {
  return Number.isFinite(endsAt) ? { deadline: endsAt } : {};
}

/** The options that say how a call is made, without those of its caller. */
function ownOptions({ compression, waitForReady, maxAttempts }: CallOptions): CallOptions {
  return {
    ...(compression !== undefined && { compression }),
    ...(waitForReady !== undefined && { waitForReady }),
    ...(maxAttempts !== undefined && { maxAttempts }),
  };
}

/** Whether `call` is passed on encoded: its reply is the answer of one instance, in the version of its contract. */
export function isForwarded({ context }: Pick<ClientCall, 'context'>): boolean {
  return context instanceof ForwardContext;
}

/** Says which instance gave the answer to a call that is passed on, if another call got it. */
export function answeredBy({ context }: Pick<ClientCall, 'context'>, from: Endpoint | undefined): void {
  if (context instanceof ForwardContext) context.from = from;
}

/** The encoded request of a unary call; undefined if it depends on the instance, or can't be encoded. */
export function encodedRequest({ method: { requestType }, request, context }: ClientCall): Uint8Array | undefined {
  if (request.stream) return undefined;
  const { message } = request;
  if (context instanceof ForwardContext) {
    const given = context.forwarded.request;
    if (typeof given === 'function') return context.forwarded.requestKey?.();
    return message instanceof Uint8Array ? message : undefined;
  }
  if (typeof message !== 'object' || message === null) return undefined;
  try {
    return encodeMessage(requestType, requestType.fromPartial(message));
  } catch {
    return undefined; // The call itself says what is wrong with it.
  }
}
