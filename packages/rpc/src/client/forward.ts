import type { Payload, Reply } from '../call/call.js';
import { CallContext } from '../call/call-context.js';
import { Metadata } from '../call/metadata.js';
import { newTraceId, propagateTrace, receivedTraceId } from '../call/trace.js';
import type { Channel } from '../channel/channel.js';
import type { RequestSource } from '../channel/retry.js';
import type { Clock } from '../clock/clock.js';
import type { Method } from '../contract/method.js';
import { readBytes, withBytes } from '../contract/wire-fields.js';
import { compose, enforceContext, type Next } from '../middleware/middleware.js';
import { observe } from '../middleware/stream.js';
import type { Endpoint } from '../resolver/resolver.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { type CallOptions, type ClientCall, OutgoingCall } from './client.js';
import { RequestStream } from './codec.js';
import { explain } from './explain.js';
import { readEncodedHashKey } from './hash-key.js';
import { isResumed, startResuming } from './resume.js';

/** A call that a proxy passes on, encoded. */
export interface ForwardedCall {
  readonly method: Method;
  /** As received. Keys that belong to one connection are left out. */
  readonly metadata: Metadata;
  /** Ends when the caller leaves. */
  readonly context: CallContext;
  /**
   * How long the caller gives the call, in milliseconds. It is sent on. Undefined: no deadline is sent. The contract's
   * timeout is left to the server.
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
  /** As in `CallOptions`. */
  readonly resumeForMs?: number;
}

/** The encoded reply. */
export interface ForwardedReply extends Reply<Uint8Array> {
  /** The instance that sent it. It changes when a stream is resumed at another instance. */
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
  const run = compose([...channel.middleware, enforceContext], toChannel(channel));
  return async (forwarded) => {
    const startedAt = channel.clock.now();
    const context = new ForwardContext(forwarded, channel.clock, startedAt);
    let call: ClientCall | undefined;
    try {
      call = newCall(context, channel, startedAt);
      const reply = await run(call);
      if (!reply.response.stream) context.close();
      return new Answer(reply, { call, context, channel });
    } catch (error) {
      context.close();
      throw call === undefined || context.isOwn(error) ? error : explain(error, call, channel);
    }
  };
}

const NO_OPTIONS: CallOptions = {};
/** The request of a call that is encoded only for the instance that is picked. */
const NOT_YET: Payload<Uint8Array> = { stream: false, message: new Uint8Array() };

function newCall(context: ForwardContext, channel: Channel, startedAt: number): ClientCall {
  const { random } = channel;
  const { method, metadata: received, request, resumeForMs } = context.forwarded;
  const metadata = new Metadata();
  let traceId = receivedTraceId(received);
  try {
    metadata.appendAll(received);
    traceId ??= newTraceId(random);
    propagateTrace(metadata, traceId, random);
  } catch (cause) {
    throw new RpcError(Status.INVALID_ARGUMENT, cause instanceof Error ? cause.message : String(cause), { cause });
  }
  const options = resumeForMs === undefined ? NO_OPTIONS : { resumeForMs };
  const shown = typeof request === 'function' ? NOT_YET : request;
  return new OutgoingCall({ method, metadata, context, request: shown, traceId, startedAt, options }, channel);
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
  const { method, metadata, attempts } = call;
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
    compression: policy.compression,
    peer: '',
  };
  return channel.call(method, wire, { attempts, hashKey, lost, requests: context });
}

/**
 * What a forwarded call needs beside its `ClientCall`. It is the call's context, because every middleware passes that on
 * unchanged, so a call needs no chain of its own.
 */
class ForwardContext extends CallContext implements RequestSource {
  readonly forwarded: ForwardedCall;
  /** The deadline that is sent on, by the channel's clock; undefined for none. */
  readonly deadline: number | undefined;
  /** The instance that was picked last. */
  from: Endpoint | undefined;
  readonly #callersRequest: ForwardedCall['request'];
  #requests: RequestStream | undefined;
  #streamed: Payload<Uint8Array> | undefined;
  #token: Uint8Array | undefined;
  #requestError: unknown;

  constructor(forwarded: ForwardedCall, clock: Clock, startedAt: number) {
    const { timeoutMs = NEVER, limitMs = NEVER, context } = forwarded;
    const deadline = startedAt + timeoutMs;
    const endsAt = Math.min(deadline, startedAt + limitMs);
    super({
      clock,
      parents: [context],
      deadline: endsAt === NEVER ? undefined : endsAt,
      by: endsAt === deadline ? 'caller' : 'proxy',
    });
    this.forwarded = forwarded;
    this.deadline = deadline === NEVER ? undefined : deadline;
    this.#callersRequest = forwarded.request;
  }

  /** The numbers of the fields by which the call's stream is resumed; undefined if they aren't known. */
  get tokens(): NonNullable<Method['policyFields']>['resume'] {
    return this.forwarded.method.policyFields?.resume;
  }

  requestFor(to: Endpoint): Payload<Uint8Array> | undefined {
    this.from = to;
    const request = this.#callersRequest;
    const payload = typeof request === 'function' ? this.#encodeFor(to, request) : request;
    if (payload === undefined) return undefined;
    if (payload.stream) return this.#toStream(payload.messages);
    if (this.#token === undefined || this.tokens === undefined) return payload;
    return { stream: false, message: withBytes(payload.message, this.tokens.request, this.#token) };
  }

  /** The reader has taken a message of a stream that can be resumed. */
  onTaken(message: unknown): void {
    if (this.tokens === undefined || !(message instanceof Uint8Array)) return;
    const token = readBytes(message, this.tokens.response);
    if (token !== undefined && token.length > 0) this.#token = token;
  }

  /** Whether `error` is the caller's own: the reason why it left, or what its request failed with. */
  isOwn(error: unknown): boolean {
    return error !== undefined && (error === this.forwarded.context.reason || error === this.#requestError);
  }

  /** The call has ended. */
  close(): void {
    this.release();
    this.#requests?.close();
  }

  #encodeFor(to: Endpoint, encode: (to: Endpoint) => Payload<Uint8Array> | undefined): Payload<Uint8Array> | undefined {
    try {
      return encode(to);
    } catch (error) {
      this.#requestError = error;
      throw error;
    }
  }

  /** The caller's stream is read until the call ends. A stream that doesn't depend on the instance is one for all attempts. */
  #toStream(messages: AsyncIterable<Uint8Array>): Payload<Uint8Array> {
    const once = typeof this.#callersRequest !== 'function';
    if (once && this.#streamed !== undefined) return this.#streamed;
    const error = (fault: unknown) => {
      this.#requestError = fault;
      return fault;
    };
    this.#requests = new RequestStream(observe(messages, { error }), this);
    this.#streamed = { stream: true, messages: this.#requests };
    return this.#streamed;
  }
}

const NEVER = Number.POSITIVE_INFINITY;

/** What an answer needs of its call. */
interface Origin {
  readonly call: ClientCall;
  readonly context: ForwardContext;
  readonly channel: Channel;
}

class Answer implements ForwardedReply {
  readonly header: Metadata;
  readonly trailer: Metadata;
  readonly response: Payload<Uint8Array>;
  readonly #context: ForwardContext;
  readonly #first: Endpoint;

  constructor({ header, trailer, response }: Reply, origin: Origin) {
    const { from } = origin.context;
    if (from === undefined) throw new TypeError('a middleware answered a call that has to be passed on');
    this.header = header;
    this.trailer = trailer;
    this.response = response.stream
      ? { stream: true, messages: new AnswerMessages(response.messages, origin) }
      : { stream: false, message: bytesOf(response.message) };
    this.#context = origin.context;
    this.#first = from;
  }

  get from(): Endpoint {
    return this.#context.from ?? this.#first;
  }
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The messages of a response stream. The call ends with them. */
class AnswerMessages implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #messages: AsyncIterator<unknown>;
  readonly #origin: Origin;

  constructor(messages: AsyncIterable<unknown>, origin: Origin) {
    this.#messages = messages[Symbol.asyncIterator]();
    this.#origin = origin;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const { call, context, channel } = this.#origin;
    try {
      const step = await this.#messages.next();
      if (step.done !== true) return { done: false, value: bytesOf(step.value) };
      context.close();
      return END;
    } catch (error) {
      context.close();
      throw context.isOwn(error) ? error : explain(error, call, channel);
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#origin.context.close();
    await this.#messages.return?.();
    return END;
  }
}

function bytesOf(message: unknown): Uint8Array {
  if (message instanceof Uint8Array) return message;
  throw new TypeError('a middleware has decoded a message that has to be passed on');
}
