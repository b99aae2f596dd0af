import type { Payload, Reply } from '../call/call.js';
import { CallContext, cancelled } from '../call/call-context.js';
import { CallTimer } from '../call/call-timer.js';
import { Metadata, type MetadataInit } from '../call/metadata.js';
import { callPrincipal } from '../call/principal.js';
import { currentScope } from '../call/scope.js';
import { traceOf, tracing } from '../call/trace.js';
import type { Channel } from '../channel/channel.js';
import { servicePolicyOf } from '../contract/balancing.js';
import type { ServiceDefinition } from '../contract/definition.js';
import { type Method, methodsOf } from '../contract/method.js';
import { COMPRESSIONS } from '../contract/policy.js';
import { MAX_ATTEMPTS } from '../contract/retry-policy.js';
import { clientErrors } from '../errors/client.js';
import { compose, enforceContext, type Middleware, type Next } from '../middleware/middleware.js';
import { endWith, traceMessages } from '../middleware/stream.js';
import type { CallReport } from '../status/rpc-error.js';
import { RpcError } from '../status/rpc-error.js';
import type { WireCall } from '../transport/transport.js';
import { type CallOptions, type Client, type ClientCall, OutgoingCall } from './client.js';
import { decodeReply, encodeRequest, RequestStream } from './codec.js';
import { deadlineOf } from './deadline.js';
import { explain } from './explain.js';
import { readHashKey } from './hash-key.js';
import { withKey } from './idempotency-key.js';
import { resumePoint, startResuming } from './resume.js';

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
  const chain = [...channel.middleware, ...middleware, enforceContext, ...channel.wireMiddleware];
  const methods = [...methodsOf(definition)].map(([key, known]) => {
    const method = at === undefined ? known : { ...known, service: at };
    const observed = channel.middleware.length + middleware.length > 0;
    const bound: BoundMethod = { method, channel, observed, run: compose(chain, toWire(channel)) };
    return [key, bindMethod(toClientMethod(bound), bound)];
  });
  // This contract does not decide how another service is balanced.
  if (at === undefined) channel.follow(definition.fullName, servicePolicyOf(definition));
  // The keys and the shapes of the functions are those of the definition's methods.
  return Object.fromEntries(methods) as Client<D>;
}

/** One method with its channel and its middleware chain. */
interface BoundMethod {
  readonly method: Method;
  readonly channel: Channel;
  readonly run: Next<ClientCall>;
  /** Whether there is middleware, which may make spans. */
  readonly observed: boolean;
}

function toClientMethod(bound: BoundMethod) {
  const { requestStream, responseStream } = bound.method;
  const payload = (request: unknown): Payload =>
    requestStream ? { stream: true, messages: request as AsyncIterable<unknown> } : { stream: false, message: request };
  return responseStream
    ? (request: unknown, options: CallOptions = {}) => streamReply(bound, payload(request), options)
    : (request: unknown, options: CallOptions = {}) => unaryReply(bound, payload(request), options);
}

async function unaryReply(bound: BoundMethod, request: Payload, options: CallOptions): Promise<unknown> {
  const call = newCall(bound, request, options);
  try {
    const { header, trailer, response } = await runTraced(bound, call);
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
}

/** Runs the middleware chain with the call's span as the active one, which costs each promise on Node 20 something. */
function runTraced({ run, observed }: BoundMethod, call: ClientCall): Promise<Reply> {
  const { span } = call.context;
  return span === undefined || !observed ? run(call) : span.run(run, call);
}

/** Passes on the header metadata of a call that failed after its header had arrived. */
function tellHeader(error: unknown, { onHeader }: CallOptions): void {
  if (error instanceof RpcError && error.header !== undefined) onHeader?.(error.header);
}

/** The call starts when the caller asks for the first message. It is cancelled when the caller stops reading early. */
async function* streamReply(bound: BoundMethod, request: Payload, options: CallOptions): AsyncGenerator<unknown> {
  const call = newCall(bound, request, options);
  let answered = false;
  try {
    const { header, trailer, response } = await runTraced(bound, call);
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
}

function newCall({ method, channel }: BoundMethod, given: Payload, options: CallOptions): ClientCall {
  const { clock, random } = channel;
  const scope = currentScope();
  if (scope?.refuseCall !== undefined) throw scope.refuseCall(unmade(method));
  const startedAt = clock.now();
  const start = { startedAt, inherited: scope?.context.endsAt, wallClock: channel.wallClock };
  const { deadline, by } = deadlineOf(method.policy, options, start);
  if (Number.isNaN(deadline)) throw clientErrors.INVALID_TIME(unmade(method));
  const metadata = toMetadata(options.metadata, method);
  const { compression } = options;
  if (compression !== undefined && !COMPRESSIONS.includes(compression)) {
    const compressions = COMPRESSIONS.join(' or ');
    throw clientErrors.UNKNOWN_COMPRESSION({ compressions, compression }, unmade(method));
  }
  const { maxAttempts, onTiming } = options;
  if (onTiming !== undefined && (method.requestStream || method.responseStream)) {
    throw clientErrors.TIMED_STREAM(unmade(method));
  }
  if (maxAttempts !== undefined && !isAttempts(maxAttempts)) {
    throw clientErrors.INVALID_MAX_ATTEMPTS({ maxAttempts, most: MAX_ATTEMPTS }, unmade(method));
  }
  const request = withKey(method, { request: given, metadata }, channel);
  const span = tracing()?.client(method, metadata);
  const traceId = span?.traceId ?? refuseUnsendable(method, () => traceOf(metadata, scope, random));
  const context = new CallContext({ clock, deadline, by, parents: parentsOf(scope?.context, options.signal) });
  if (span !== undefined) context.span = span;
  const principal = options.principal ?? scope?.values?.get(callPrincipal);
  return new OutgoingCall({ method, metadata, context, request, traceId, startedAt, options, principal }, channel);
}

const isAttempts = (count: number): boolean => Number.isInteger(count) && count >= 1 && count <= MAX_ATTEMPTS;

const NO_PARENTS: readonly never[] = [];

function parentsOf(
  around: CallContext | undefined,
  signal: AbortSignal | undefined,
): readonly (CallContext | AbortSignal)[] {
  if (around === undefined) return signal === undefined ? NO_PARENTS : [signal];
  return signal === undefined ? [around] : [around, signal];
}

function toMetadata(init: MetadataInit | undefined, method: Method): Metadata {
  return refuseUnsendable(method, () => new Metadata(init));
}

/** Runs `work` on metadata. Metadata that can't be sent becomes `INVALID_ARGUMENT` with the key's name. */
function refuseUnsendable<T>(method: Method, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const keyAndRule = cause instanceof Error ? cause.message : String(cause);
    throw clientErrors.UNSENDABLE_METADATA({ keyAndRule }, { ...unmade(method), cause });
  }
}

/** The report of a call whose options are invalid. */
function unmade({ path }: Method): { readonly report: CallReport } {
  return { report: { method: path, attempts: [], elapsedMs: 0 } };
}

function toWire(channel: Channel): Next<ClientCall> {
  return (call) => (call.method.policy.resume === undefined ? callOnce(call, channel) : callResuming(call, channel));
}

async function callResuming(call: ClientCall, channel: Channel): Promise<Reply> {
  const point = resumePoint(call);
  if (point === undefined) return callOnce(call, channel);
  const start = (request: Payload, lost: string | undefined) => callOnce({ ...call, request }, channel, lost);
  return startResuming(call, channel, { point, start });
}

/** Makes one call. It avoids the instance `lost` if another one can take the call. */
async function callOnce(call: ClientCall, channel: Channel, lost?: string): Promise<Reply> {
  const { method, metadata, context, attempts, principal } = call;
  const { path, responseStream } = method;
  refuseUnsendable(method, () => metadata.checkSendable());
  const hashKey = method.policy.hashKey && readHashKey(method.policy.hashKey, call);
  const { instance, avoid, maxAttempts, waitForReady } = call.options;
  const options = { attempts, hashKey, instance, avoid, lost, maxAttempts, waitForReady };
  const timer = call.options.onTiming === undefined ? undefined : new CallTimer(channel.clock, call.startedAt);
  const request = encodeRequest(call);
  const compression = call.options.compression ?? method.policy.compression;
  const wire: WireCall = {
    path,
    responseStream,
    metadata,
    deadline: context.endsAt,
    context,
    request,
    principal,
    compression,
    timer,
    plain: timer === undefined ? method.policy.plain : true,
    peer: '',
  };
  if (timer !== undefined) return callTimed(call, timer, () => channel.call(method, wire, options));
  if (!request.stream) return decodeReply(method, await channel.call(method, wire, options));
  const messages = new RequestStream(request.messages, context);
  const reply = channel.call(method, { ...wire, request: { stream: true, messages } }, options);
  return decodeReply(method, await endWith(reply, () => messages.close()));
}

/** Makes a call, and adds where its time went. */
async function callTimed(call: ClientCall, timer: CallTimer, make: () => Promise<Reply<Uint8Array>>): Promise<Reply> {
  try {
    const reply = await make();
    call.timing = timer.end(reply.trailer);
    return decodeReply(call.method, reply);
  } catch (error) {
    call.timing ??= timer.end(error instanceof RpcError ? error.metadata : undefined);
    throw error;
  }
}

/** The method and the channel behind one function of a client. */
interface Binding {
  readonly method: Method;
  readonly channel: Channel;
}

/** Bindings by function: the methods of a client stay plain functions without extra properties. */
const bindings = new WeakMap<object, Binding>();

/** Remembers the method and the channel of `call`. */
function bindMethod<F extends object>(call: F, { method, channel }: Binding): F {
  bindings.set(call, { method, channel });
  return call;
}

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
