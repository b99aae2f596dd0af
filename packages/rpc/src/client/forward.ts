import type { Payload, Reply } from '../call/call.js';
import type { CallContext } from '../call/call-context.js';
import { Metadata } from '../call/metadata.js';
import type { Principal } from '../call/principal.js';
import { traceOf, tracing } from '../call/trace.js';
import type { Channel } from '../channel/channel.js';
import type { Method } from '../contract/method.js';
import { clientErrors } from '../errors/client.js';
import { compose, enforceContext, type Next } from '../middleware/middleware.js';
import type { Endpoint } from '../resolver/resolver.js';
import { type CallOptions, type ClientCall, OutgoingCall } from './client.js';
import { explain } from './explain.js';
import { ForwardAnswer } from './forward-answer.js';
import { ForwardContext } from './forward-context.js';
import { readEncodedHashKey } from './hash-key.js';
import { encodedKey, repeatable } from './idempotency-key.js';
import { isResumed, startResuming } from './resume.js';

/** A call that a proxy passes on, encoded. */
export interface ForwardedCall {
  readonly method: Method;
  /** As received. Keys that belong to one connection are left out. */
  readonly metadata: Metadata;
  /** Ends when the caller leaves. */
  readonly context: CallContext;
  /**
   * The caller's timeout, in milliseconds, which is sent to the server. Undefined: no deadline is sent. The
   * contract's timeout is left to the server.
   */
  readonly timeoutMs?: number | undefined;
  /** The proxy's own limit, in milliseconds. It ends the call here, and isn't sent on. */
  readonly limitMs?: number | undefined;
  /**
   * The encoded request. A function if the encoding depends on the instance that was picked: undefined from it means that
   * this instance can't take the call, so another is tried. If the function or the stream fails with an `RpcError`, the
   * call rejects with that very error.
   */
  readonly request: Payload<Uint8Array> | ((to: Endpoint) => Payload<Uint8Array> | undefined);
  /**
   * A request that is equal for equal calls, encoded, if `request` is a function: a cache looks up an answer by it
   * before an instance is picked. If it is missing or returns undefined, the call is made.
   */
  readonly requestKey?: (() => Uint8Array | undefined) | undefined;
  /** On whose behalf the call is made, as the proxy has verified it; missing for no one. */
  readonly principal?: Principal | undefined;
  /** As in `CallOptions`. */
  readonly resumeForMs?: number;
}

/** The encoded reply. */
export interface ForwardedReply extends Reply<Uint8Array> {
  /** The instance that sent the reply. It changes when a stream is resumed at another instance. */
  readonly from: Endpoint;
}

/**
 * Creates a function that passes calls on over `channel`, as a client's calls go: through the channel's middleware, with
 * retries, and with streams that are resumed. Messages stay encoded. A stream is resumed only if `method.policyFields`
 * says where its tokens are.
 *
 * The function rejects with an `RpcError`. Its `origin` says whether a server sent it. It has a `report`, unless it is the
 * reason of `context`, an error of `request`, or `INVALID_ARGUMENT` for metadata that can't be sent.
 */
export function createForwarder(channel: Channel): (call: ForwardedCall) => Promise<ForwardedReply> {
  const run = compose([...channel.middleware, enforceContext, ...channel.wireMiddleware], toChannel(channel));
  return async (forwarded) => {
    const startedAt = channel.clock.now();
    const context = new ForwardContext(forwarded, channel.clock, startedAt);
    let call: ClientCall | undefined;
    try {
      call = newCall(context, channel, startedAt);
      const reply = await run(call);
      if (!reply.response.stream) context.close();
      return new ForwardAnswer(reply, { call, context, channel });
    } catch (error) {
      context.close(error);
      throw call === undefined || context.isOwn(error) ? error : explain(error, call, channel);
    }
  };
}

const NO_OPTIONS: CallOptions = {};
/** The request of a call that is encoded only for the instance that is picked. */
const NOT_YET: Payload<Uint8Array> = { stream: false, message: new Uint8Array() };

function newCall(context: ForwardContext, channel: Channel, startedAt: number): ClientCall {
  const { random } = channel;
  const { metadata: received, request, resumeForMs, principal } = context.forwarded;
  const method = repeatable(context.forwarded.method);
  const metadata = new Metadata();
  let traceId: string;
  try {
    metadata.appendAll(received);
    const span = tracing()?.client(method, metadata);
    if (span !== undefined) context.span = span;
    traceId = span?.traceId ?? traceOf(metadata, undefined, random);
  } catch (cause) {
    const keyAndRule = cause instanceof Error ? cause.message : String(cause);
    throw clientErrors.UNSENDABLE_METADATA({ keyAndRule }, { cause });
  }
  context.addKey = encodedKey(method, metadata, channel);
  const options = resumeForMs === undefined ? NO_OPTIONS : { resumeForMs };
  const shown = typeof request === 'function' ? NOT_YET : request;
  const call = { method, metadata, context, request: shown, traceId, startedAt, options, principal };
  return new OutgoingCall(call, channel);
}

/** The end of the middleware chain. */
function toChannel(channel: Channel): Next<ClientCall> {
  return (call) => {
    const context = forwardContextOf(call);
    if (context.tokens === undefined || !isResumed(call)) return callOnce(call, channel);
    const point = { onTaken: (message: unknown) => context.onTaken(message), request: undefined };
    return startResuming(call, channel, { point, start: (_, lost) => callOnce(call, channel, lost) });
  };
}

function forwardContextOf({ context }: ClientCall): ForwardContext {
  if (context instanceof ForwardContext) return context;
  throw new TypeError("a middleware has replaced the call's context; it must pass it on unchanged");
}

/** Makes one call. It avoids the instance `lost` if another one can take the call. */
function callOnce(call: ClientCall, channel: Channel, lost?: string): Promise<Reply<Uint8Array>> {
  const context = forwardContextOf(call);
  const { method, metadata, attempts, principal } = call;
  const { request: given } = context.forwarded;
  const request = typeof given === 'function' ? NOT_YET : given;
  const { path, responseStream, policy } = method;
  const hashKey = policy.hashKey && readEncodedHashKey(method, { metadata, request });
  const wire = {
    path,
    responseStream,
    metadata,
    deadline: context.deadline,
    context,
    request,
    principal,
    compression: policy.compression,
    plain: policy.plain,
    peer: '',
  };
  return channel.call(method, wire, { attempts, hashKey, lost, requests: context });
}
