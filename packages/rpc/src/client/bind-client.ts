import { CallLimit, currentScope, Metadata, newTraceId, type Payload, propagateTrace } from '../call/index.js';
import { type Method, methodsOf, type ServiceDefinition } from '../contract/index.js';
import { compose, endWith, enforceLimit, type Middleware, type Next } from '../middleware/index.js';
import { RpcError } from '../status/index.js';
import type { WireCall } from '../transport/index.js';
import type { Channel } from './channel.js';
import type { CallOptions, Client } from './client.js';
import type { ClientCall } from './client-call.js';
import { decodeReply, encodeRequest } from './codec.js';
import { RequestStream } from './request-stream.js';

/** What a client is bound to. */
export interface BindOptions {
  readonly channel: Channel;
  /** Runs around every call, whatever number of instances it is tried at; the first listed is outermost. */
  readonly middleware?: readonly Middleware<ClientCall>[];
}

/** Binds a service's contract to the channel over which its calls go. */
export function bindClient<D extends ServiceDefinition>(
  definition: D,
  { channel, middleware = [] }: BindOptions,
): Client<D> {
  const chain = [...channel.middleware, ...middleware, enforceLimit];
  const methods = [...methodsOf(definition)].map(([key, method]) => {
    const line: Line = { method, channel, run: compose(chain, toWire(channel)) };
    return [key, toClientMethod(line)];
  });
  channel.follow(definition.fullName);
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
    throw explain(error, call, line);
  } finally {
    call.limit.release();
  }
}

/** The call begins when its replies are first asked for, and is cancelled when their reader leaves early. */
async function* streamReply(line: Line, request: Payload, options: CallOptions): AsyncGenerator<unknown> {
  const call = newCall(line, request, options);
  try {
    const { header, trailer, response } = await line.run(call);
    options.onHeader?.(header);
    if (!response.stream) throw new TypeError('one message where a stream was expected');
    yield* response.messages;
    options.onTrailer?.(trailer);
  } catch (error) {
    throw explain(error, call, line);
  } finally {
    call.limit.release();
  }
}

/** Adds to a failure which call it was, and where it was tried. */
function explain(error: unknown, { attempts, startedAt }: ClientCall, { method, channel }: Line): unknown {
  if (!(error instanceof RpcError)) return error;
  const { code, message, details, metadata } = error;
  const elapsedMs = channel.clock.now() - startedAt;
  // A copy of each, as a try that was left behind still ends.
  const report = { method: method.path, attempts: attempts.map((attempt) => ({ ...attempt })), elapsedMs };
  return new RpcError(code, message, { details, metadata, cause: error, report });
}

function newCall({ method, channel }: Line, request: Payload, options: CallOptions): ClientCall {
  const { clock, random } = channel;
  const scope = currentScope();
  const metadata = new Metadata(options.metadata);
  const traceId = scope?.traceId ?? newTraceId(random);
  propagateTrace(metadata, traceId, random);
  const startedAt = clock.now();
  const deadline = earliest(
    scope?.deadline,
    options.deadline?.getTime(),
    after(startedAt, options.timeoutMs),
    after(startedAt, method.policy.timeoutMs),
  );
  const parents = [scope?.limit, options.signal].filter((parent) => parent !== undefined);
  const limit = new CallLimit({ clock, deadline, parents });
  return {
    method,
    metadata,
    deadline,
    get signal() {
      return limit.signal;
    },
    limit,
    request,
    traceId,
    attempts: [],
    startedAt,
  };
}

function after(startedAt: number, timeoutMs: number | undefined): number | undefined {
  return timeoutMs === undefined ? undefined : startedAt + timeoutMs;
}

function earliest(...deadlines: readonly (number | undefined)[]): number | undefined {
  let first: number | undefined;
  for (const deadline of deadlines) {
    if (deadline !== undefined && (first === undefined || deadline < first)) first = deadline;
  }
  return first;
}

function toWire(channel: Channel): Next<ClientCall> {
  return async (call) => {
    const { method, metadata, deadline, limit, attempts } = call;
    const { path, responseStream } = method;
    const request = encodeRequest(call);
    const wire: WireCall = { path, responseStream, metadata, deadline, limit, request, peer: '' };
    if (!request.stream) return decodeReply(method, await channel.call(method, wire, attempts));
    const messages = new RequestStream(request.messages, limit);
    const reply = channel.call(method, { ...wire, request: { stream: true, messages } }, attempts);
    return decodeReply(method, await endWith(reply, () => messages.close()));
  };
}
