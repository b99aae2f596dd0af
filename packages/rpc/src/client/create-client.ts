import { type ServiceDefinition, COMPRESSIONS, type Method, methodsOf, servicePolicyOf } from '../contract/index.js';
import { type Middleware, compose, endWith, enforceLimit, type Next } from '../middleware/index.js';
import type { Channel } from '../channel/channel.js';
import { type Client, type CallOptions, type ClientCall, OutgoingCall } from './client.js';
import { defaultChannel } from '../channel/default-channel.js';
import { CallLimit, cancelled, currentScope, Metadata, type MetadataInit, newTraceId, type Payload, propagateTrace, type Reply, receivedTraceId } from '../call/index.js';
import { RpcError, Status } from '../status/index.js';
import type { WireCall } from '../transport/index.js';
import { decodeReply, encodeRequest, RequestStream } from './codec.js';
import { deadlineOf } from './deadline.js';
import { explain } from './explain.js';
import { readHashKey } from './hash-key.js';
import { resumeFields, startResuming } from './resume.js';

/** How a client is made. */
export interface ClientOptions {
  /** How its calls leave the process; over the registry at `RONDO_REGISTRY` by default. */
  readonly channel?: Channel;
  /** Runs around every call, whatever number of instances it is tried at; the first listed is outermost. */
  readonly middleware?: readonly Middleware<ClientCall>[];
  /**
   * For a contract that many services serve, each for itself: calls go to the instances of this service, by its fully
   * qualified name, such as `projects.v1.ProjectService`. It is looked up at the first call, and balanced as its own
   * contract says where a client of that was made before.
   */
  readonly at?: string;
}

/**
 * Makes a client from the service's contract alone: it needs no address. The service is looked up at once, so that a
 * registry that goes away before the first call does no harm.
 */
export function createClient<D extends ServiceDefinition>(definition: D, options: ClientOptions = {}): Client<D> {
  return bindClient(definition, { ...options, channel: options.channel ?? defaultChannel() });
}

/** What a client is bound to. */
interface BindOptions {
  readonly channel: Channel;
  /** Runs around every call, whatever number of instances it is tried at; the first listed is outermost. */
  readonly middleware?: readonly Middleware<ClientCall>[];
  /** The fully qualified service by whose instances it is served; its own by default. See `ClientOptions.at`. */
  readonly at?: string | undefined;
}

/** Binds a service's contract to the channel over which its calls go. */
export function bindClient<D extends ServiceDefinition>(
  definition: D,
  { channel, middleware = [], at }: BindOptions,
): Client<D> {
  const chain = [...channel.middleware, ...middleware, enforceLimit];
  const methods = [...methodsOf(definition)].map(([key, known]) => {
    const method = at === undefined ? known : { ...known, service: at };
    const line: Line = { method, channel, run: compose(chain, toWire(channel)) };
    return [key, bindMethod(toClientMethod(line), line)];
  });
  // How another service is balanced isn't for this contract to say.
  if (at === undefined) channel.follow(definition.fullName, servicePolicyOf(definition));
  // Each function is made after its own method's shape, which the type of the definition states.
  return Object.fromEntries(methods) as Client<D>;
}

/** The way of one method's calls out of this process. */
interface Line {
  readonly method: Method;
  readonly channel: Channel;
  readonly run: Next<ClientCall>;
}

function toClientMethod(line: Line) {
  const { requestStream, responseStream } = line.method;
  const payload = (request: unknown): Payload =>
    requestStream ? { stream: true, messages: request as AsyncIterable<unknown> } : { stream: false, message: request };
  return responseStream
    ? (request: unknown, options: CallOptions = {}) => streamReply(line, payload(request), options)
    : (request: unknown, options: CallOptions = {}) => unaryReply(line, payload(request), options);
}

async function unaryReply(line: Line, request: Payload, options: CallOptions): Promise<unknown> {
  const call = newCall(line, request, options);
  try {
    const { header, trailer, response } = await line.run(call);
    options.onHeader?.(header);
    options.onTrailer?.(trailer);
    if (response.stream) throw new TypeError('a stream where one message was expected');
    return response.message;
  } catch (error) {
    tellHeader(error, options);
    throw explain(error, call, line.channel);
  } finally {
    call.limit.release();
  }
}

/** A call that failed before its reply may have had a header all the same. */
function tellHeader(error: unknown, { onHeader }: CallOptions): void {
  if (error instanceof RpcError && error.header !== undefined) onHeader?.(error.header);
}

/** The call begins when its replies are first asked for, and is cancelled when their reader leaves early. */
async function* streamReply(line: Line, request: Payload, options: CallOptions): AsyncGenerator<unknown> {
  const call = newCall(line, request, options);
  let answered = false;
  try {
    const { header, trailer, response } = await line.run(call);
    answered = true;
    if (!response.stream) throw new TypeError('one message where a stream was expected');
    const messages = response.messages[Symbol.asyncIterator]();
    options.onHeader?.(header);
    yield* { [Symbol.asyncIterator]: () => messages };
    options.onTrailer?.(trailer);
  } catch (error) {
    if (!answered) tellHeader(error, options);
    // If it failed on this side alone, such as in the caller's onHeader, the stream ends by that.
    call.limit.end(cancelled(error));
    throw explain(error, call, line.channel);
  } finally {
    call.limit.release();
  }
}

function newCall({ method, channel }: Line, request: Payload, options: CallOptions): ClientCall {
  const { clock, random } = channel;
  const scope = currentScope();
  const startedAt = clock.now();
  const beginning = { startedAt, inherited: scope?.limit.endsAt, wallClock: channel.wallClock };
  const { deadline, by } = deadlineOf(method.policy, options, beginning);
  if (Number.isNaN(deadline)) throw refused(method, 'timeoutMs must be a number, and deadline a valid date');
  const metadata = toMetadata(options.metadata, method);
  const traceId = receivedTraceId(metadata) ?? scope?.traceId ?? newTraceId(random);
  refuseUnsendable(method, () => propagateTrace(metadata, traceId, random));
  const { compression } = options;
  if (compression !== undefined && !COMPRESSIONS.includes(compression)) {
    throw refused(method, `compression must be ${COMPRESSIONS.join(' or ')}, and is "${compression}"`);
  }
  const limit = new CallLimit({ clock, deadline, by, parents: parentsOf(scope?.limit, options.signal) });
  return new OutgoingCall({ method, metadata, limit, request, traceId, startedAt, options }, channel);
}

const NO_PARENTS: readonly never[] = [];

function parentsOf(
  around: CallLimit | undefined,
  signal: AbortSignal | undefined,
): readonly (CallLimit | AbortSignal)[] {
  if (around === undefined) return signal === undefined ? NO_PARENTS : [signal];
  return signal === undefined ? [around] : [around, signal];
}

function toMetadata(init: MetadataInit | undefined, method: Method): Metadata {
  return refuseUnsendable(method, () => new Metadata(init));
}

/** `work` on metadata; if that can't be sent, its caller gets to know which key it is. */
function refuseUnsendable<T>(method: Method, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw refused(method, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** What a caller gets who asks for what no call can be. */
function refused({ path }: Method, reason: string, cause?: unknown): RpcError {
  const report = { method: path, attempts: [], elapsedMs: 0 };
  return new RpcError(Status.INVALID_ARGUMENT, reason, { cause, report });
}

function toWire(channel: Channel): Next<ClientCall> {
  return (call) => (call.method.policy.resume === undefined ? callOnce(call, channel) : callResuming(call, channel));
}

async function callResuming(call: ClientCall, channel: Channel): Promise<Reply> {
  const fields = resumeFields(call);
  if (fields === undefined) return callOnce(call, channel);
  const start = (request: Payload, lost: string | undefined) => callOnce({ ...call, request }, channel, lost);
  return startResuming(call, channel, { fields, start });
}

/** Makes the call; not at the instance `lost` where another takes it. */
async function callOnce(call: ClientCall, channel: Channel, lost?: string): Promise<Reply> {
  const { method, metadata, limit, attempts } = call;
  const { path, responseStream } = method;
  refuseUnsendable(method, () => metadata.checkSendable());
  const hashKey = method.policy.hashKey && readHashKey(method.policy.hashKey, call);
  const options = { attempts, hashKey, instance: call.options.instance, lost };
  const request = encodeRequest(call);
  const compression = call.options.compression ?? method.policy.compression;
  const wire: WireCall = {
    path,
    responseStream,
    metadata,
    deadline: limit.endsAt,
    limit,
    request,
    compression,
    peer: '',
  };
  if (!request.stream) return decodeReply(method, await channel.call(method, wire, options));
  const messages = new RequestStream(request.messages, limit);
  const reply = channel.call(method, { ...wire, request: { stream: true, messages } }, options);
  return decodeReply(method, await endWith(reply, () => messages.close()));
}

/** What a client's method is of, and the channel over which its calls go. */
interface Binding {
  readonly method: Method;
  readonly channel: Channel;
}

/** A client's methods stay plain functions: what they are of is known beside them, for as long as they live. */
const bindings = new WeakMap<object, Binding>();

/** Notes what `call` is of. */
function bindMethod<F extends object>(call: F, { method, channel }: Binding): F {
  bindings.set(call, { method, channel });
  return call;
}

/**
 * What `call` is of.
 *
 * @throws TypeError where it is no method of a client.
 */
export function bindingOf(call: object): Binding {
  const binding = bindings.get(call);
  if (binding !== undefined) return binding;
  throw new TypeError(`${call} is no method of a client that createClient made; pass it as it is: client.method`);
}
