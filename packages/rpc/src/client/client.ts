import type { Payload, Reply } from '../call/call.js';
import { cancelled } from '../call/call-context.js';
import { CallTimer } from '../call/call-timer.js';
import type { CallOptions, ClientCall } from '../call/client-call.js';
import type { Channel } from '../channel/channel.js';
import type { MethodDefinition, RequestInit, ResponseOf, ServiceDefinition } from '../contract/definition.js';
import { encodeMessage } from '../contract/encode.js';
import { type Method, methodsOf } from '../contract/method.js';
import { OPERATIONS_SERVICE, operationService } from '../contract/operation-name.js';
import { servicePolicyOf } from '../contract/policy.js';
import { clientErrors } from '../errors/client.js';
import { compose, enforceContext, type Middleware, type Next } from '../middleware/middleware.js';
import { endWith, mapMessages, traceMessages } from '../middleware/stream.js';
import { RpcError } from '../status/rpc-error.js';
import type { WireCall } from '../transport/transport.js';
import { explain } from './explain.js';
import { readHashKey } from './hash-key.js';
import { type Binding, beginCall, unsendable } from './outgoing-call.js';
import { RequestStream } from './request-stream.js';
import { resumePoint, startResuming } from './resume.js';

/** One method of a client. A single message is a plain value or a promise; a stream is an async iterable. */
export type ClientMethod<M extends MethodDefinition> = M['requestStream'] extends true
  ? M['responseStream'] extends true
    ? (requests: AsyncIterable<RequestInit<M>>, options?: CallOptions) => AsyncIterable<ResponseOf<M>>
    : (requests: AsyncIterable<RequestInit<M>>, options?: CallOptions) => Promise<ResponseOf<M>>
  : M['responseStream'] extends true
    ? (request: RequestInit<M>, options?: CallOptions) => AsyncIterable<ResponseOf<M>>
    : (request: RequestInit<M>, options?: CallOptions) => Promise<ResponseOf<M>>;

/**
 * A client of a service: one function for each method. Every failure is an `RpcError`.
 *
 * A response stream is resumed when it breaks if its contract says how, in `(rondo.options.v1.method).resume`. A stream
 * breaks by a lost connection, `UNAVAILABLE`, or `ABORTED`, which a server sends to a reader that is too slow. The client
 * calls the method again, at another instance if one can take the call, with the token of the last message that the reader
 * has taken. So no message is lost and none comes twice.
 *
 * Messages without a token are the exception: those since the last token come again. So a snapshot in several messages
 * starts anew and replaces what the reader has read of it.
 *
 * The client pauses between attempts and gives up after `resumeForMs`, with the error of the last attempt. It calls
 * `onStreamBreak` with each failure. A stream whose first call fails before its response begins is not
 * resumed: it fails as any call does.
 */
export type Client<D extends ServiceDefinition> = { readonly [K in keyof D['methods']]: ClientMethod<D['methods'][K]> };

/** Options of {@link bindClient}. */
interface BindOptions {
  readonly channel: Channel;
  /** Middleware that runs once per call, around all its attempts. The first listed is outermost. */
  readonly middleware?: readonly Middleware<ClientCall>[];
  /** The fully qualified service whose instances are called. Default: the definition's own. See `ClientOptions.at`. */
  readonly at?: string | undefined;
}

/** Creates a client whose calls go over `channel`. */
export function bindClient<D extends ServiceDefinition>(
  definition: D,
  { channel, middleware = [], at }: BindOptions,
): Client<D> {
  if (at === undefined && definition.fullName === OPERATIONS_SERVICE)
    return byOperation(definition, channel, middleware);
  const chain = [...channel.middleware, ...middleware, enforceContext, ...channel.wireMiddleware];
  const methods = [...methodsOf(definition)].map(([key, known]) => {
    const method = at === undefined ? known : { ...known, service: at };
    channel.checkPolicies(method);
    const make = method.policy.resume === undefined ? callOnce : callResuming;
    const run = compose(chain, (call) => make(call, channel));
    // The span is active for middleware, which may make spans: on Node 20 that costs each promise something.
    const isObserved = channel.middleware.length + middleware.length > 0;
    const bound = { method, channel, run: isObserved ? inSpan(run) : run };
    const call = method.responseStream ? streamMethod(bound) : unaryMethod(bound);
    bindings.set(call, { method, channel });
    return [key, call];
  });
  // This contract does not decide how another service is balanced.
  if (at === undefined) channel.follow(definition.fullName, servicePolicyOf(definition));
  // The keys and the shapes of the functions are those of the definition's methods.
  return Object.fromEntries(methods) as Client<D>;
}

/** A client of operations: each call goes to the service that the name of the operation says. */
function byOperation<D extends ServiceDefinition>(
  definition: D,
  channel: Channel,
  middleware: readonly Middleware<ClientCall>[],
): Client<D> {
  const methods = Object.keys(definition.methods).map((key) => {
    const call = async (request: unknown, options?: CallOptions): Promise<unknown> => {
      const at = operationService(Object(request));
      return Object(bindClient(definition, { channel, middleware, at }))[key](request, options);
    };
    return [key, call];
  });
  return Object.fromEntries(methods) as Client<D>;
}

/** One method with its channel and its middleware chain. */
interface BoundMethod extends Binding {
  readonly run: Next<ClientCall>;
}

/** Runs the middleware chain with the call's span as the active one. */
function inSpan(run: Next<ClientCall>): Next<ClientCall> {
  return (call) => (call.context.span === undefined ? run(call) : call.context.span.run(run, call));
}

/** The function of a method whose response is one message. */
function unaryMethod(bound: BoundMethod) {
  return async (given: unknown, options: CallOptions = {}): Promise<unknown> => {
    const call = beginCall(bound, given, options);
    try {
      const { header, trailer, response } = await bound.run(call);
      options.onHeader?.(header);
      options.onTrailer?.(trailer);
      if (response.stream) throw new TypeError('a stream where one message was expected');
      call.context.span?.end();
      return response.message;
    } catch (error) {
      call.context.span?.end(error);
      tellHeader(error, options);
      throw explain(error, call, bound.channel);
    } finally {
      call.context.release();
      if (call.timing !== undefined) options.onTiming?.(call.timing);
    }
  };
}

/** Passes on the header metadata of a call that failed after its header had arrived. */
function tellHeader(error: unknown, { onHeader }: CallOptions): void {
  if (error instanceof RpcError && error.header !== undefined) onHeader?.(error.header);
}

/**
 * The function of a method whose response is a stream. The call starts when the caller asks for the first message. It is cancelled
 * when the caller stops reading early.
 */
function streamMethod(bound: BoundMethod) {
  return async function* (given: unknown, options: CallOptions = {}): AsyncGenerator<unknown> {
    const call = beginCall(bound, given, options);
    let answered = false;
    try {
      const { header, trailer, response } = await bound.run(call);
      answered = true;
      if (!response.stream) throw new TypeError('one message where a stream was expected');
      const messages = traceMessages(call, response.messages)[Symbol.asyncIterator]();
      options.onHeader?.(header);
      yield* { [Symbol.asyncIterator]: () => messages };
      options.onTrailer?.(trailer);
      call.context.span?.end();
    } catch (error) {
      call.context.span?.end(error);
      if (!answered) tellHeader(error, options);
      // A failure on this side alone, such as in the caller's onHeader, has to end the stream at the server too.
      call.context.end(cancelled(error));
      throw explain(error, call, bound.channel);
    } finally {
      call.context.span?.end();
      call.context.release();
    }
  };
}

async function callResuming(call: ClientCall, channel: Channel): Promise<Reply> {
  const point = resumePoint(call);
  if (point === undefined) return callOnce(call, channel);
  const start = (request: Payload, lost: string | undefined) => callOnce({ ...call, request }, channel, lost);
  return startResuming(call, channel, { point, start });
}

/** Makes one call. It avoids the instance `lost` if another one can take the call. */
async function callOnce(call: ClientCall, channel: Channel, lost?: string): Promise<Reply> {
  const { method, metadata, context, request, attempts, principal } = call;
  const { path, responseStream, policy } = method;
  const { instance, avoid, maxAttempts, waitForReady, onTiming } = call.options;
  try {
    metadata.checkSendable();
  } catch (cause) {
    throw unsendable(method, cause);
  }
  const hashKey = policy.hashKey && readHashKey(policy.hashKey, call);
  const options = { attempts, hashKey, instance, avoid, lost, maxAttempts, waitForReady };
  const timer = onTiming === undefined ? undefined : new CallTimer(channel.clock, call.startedAt);
  const encoded = request.stream
    ? new RequestStream(
        mapMessages(request.messages, (message) => encode(method, message)),
        context,
      )
    : { stream: false as const, message: encode(method, request.message) };
  const wire: WireCall = {
    path,
    responseStream,
    metadata,
    deadline: context.endsAt,
    context,
    request: encoded,
    principal,
    compression: call.options.compression ?? policy.compression,
    timer,
    plain: timer === undefined ? policy.plain : true,
  };
  try {
    const reply = channel.call(method, wire, options);
    const { header, trailer, response } = await (encoded.stream ? endWith(reply, () => encoded.close()) : reply);
    call.timing = timer?.end(trailer);
    if (!response.stream)
      return { header, trailer, response: { stream: false, message: decode(method, response.message) } };
    const messages = mapMessages(response.messages, (bytes) => decode(method, bytes));
    return { header, trailer, response: { stream: true, messages } };
  } catch (error) {
    call.timing ??= timer?.end(error instanceof RpcError ? error.metadata : undefined);
    throw error;
  }
}

/** Bindings by function: the methods of a client stay plain functions without extra properties. */
const bindings = new WeakMap<object, Binding>();

/**
 * The method and the channel of a client's function, such as `client.add`.
 *
 * @throws TypeError if `call` is not a method of a client.
 */
export function bindingOf(call: object): Binding {
  const binding = bindings.get(call);
  if (binding !== undefined) return binding;
  throw new TypeError(`${call} is not a method of a client from createClient; pass the method itself: client.method`);
}

function encode({ requestType }: Method, message: unknown): Uint8Array {
  if (typeof message !== 'object' || message === null) {
    throw clientErrors.NO_MESSAGE({ request: String(message) });
  }
  try {
    return encodeMessage(requestType, requestType.fromPartial(message));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw clientErrors.UNENCODABLE_REQUEST({ reason }, { cause });
  }
}

/** @throws RpcError `INTERNAL` if the bytes are no message of the contract's type. */
function decode({ path, responseType }: Method, bytes: Uint8Array): unknown {
  try {
    return responseType.decode(bytes);
  } catch (cause) {
    // A contract that was learnt at run time says itself which value it can't read.
    if (cause instanceof RpcError) throw cause;
    throw clientErrors.FOREIGN_REPLY({ path }, { cause });
  }
}
