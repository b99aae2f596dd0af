import type { Payload, Reply } from '../call/call.js';
import type { CallOptions, ClientCall } from '../call/client-call.js';
import { Metadata } from '../call/metadata.js';
import { traceOf, tracing } from '../call/trace.js';
import type { Channel } from '../channel/channel.js';
import { clientErrors } from '../errors/client.js';
import { compose, enforceContext, type Next } from '../middleware/middleware.js';
import { traceMessages } from '../middleware/stream.js';
import type { Endpoint } from '../resolver/resolver.js';
import { explain } from './explain.js';
import { ForwardContext, type ForwardedCall } from './forward-context.js';
import { readEncodedHashKey } from './hash-key.js';
import { encodedKey, repeatable } from './idempotency-key.js';
import { OutgoingCall } from './outgoing-call.js';
import { isResumed, startResuming } from './resume.js';

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
  };
  return channel.call(method, wire, { attempts, hashKey, lost, requests: context });
}

/** What an answer needs of its call. */
interface AnsweredCall {
  readonly call: ClientCall;
  readonly context: ForwardContext;
  readonly channel: Channel;
}

class ForwardAnswer implements ForwardedReply {
  readonly header: Metadata;
  readonly trailer: Metadata;
  readonly response: Payload<Uint8Array>;
  readonly #context: ForwardContext;
  readonly #first: Endpoint;

  constructor({ header, trailer, response }: Reply, answered: AnsweredCall) {
    const { from } = answered.context;
    if (from === undefined) throw new TypeError('a middleware answered a call that has to be passed on');
    this.header = header;
    this.trailer = trailer;
    this.response = response.stream
      ? { stream: true, messages: new AnswerMessages(response.messages, answered) }
      : { stream: false, message: bytesOf(response.message) };
    this.#context = answered.context;
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
  readonly #answered: AnsweredCall;

  constructor(messages: AsyncIterable<unknown>, answered: AnsweredCall) {
    this.#messages = traceMessages(answered.call, messages)[Symbol.asyncIterator]();
    this.#answered = answered;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const { call, context, channel } = this.#answered;
    try {
      const step = await this.#messages.next();
      if (step.done !== true) return { done: false, value: bytesOf(step.value) };
      context.close();
      return END;
    } catch (error) {
      context.close(error);
      throw context.isOwn(error) ? error : explain(error, call, channel);
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#answered.context.close();
    await this.#messages.return?.();
    return END;
  }
}

function bytesOf(message: unknown): Uint8Array {
  if (message instanceof Uint8Array) return message;
  throw new TypeError('a middleware has decoded a message that has to be passed on');
}
