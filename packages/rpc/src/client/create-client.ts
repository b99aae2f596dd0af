import {
  type Call,
  CallLimit,
  currentScope,
  Metadata,
  newTraceId,
  type Payload,
  propagateTrace,
  type Reply,
} from '../call/index.js';
import { type Method, methodsOf, type ServiceDefinition } from '../contract/index.js';
import { compose, endWith, enforceLimit, type Middleware, type Next } from '../middleware/index.js';
import { type Attempt, type CallReport, RpcError } from '../status/index.js';
import type { Channel } from './channel.js';
import type { CallOptions, Client } from './client.js';
import { decodeReply, encodeRequest } from './codec.js';
import { defaultChannel } from './default-channel.js';
import { RequestStream } from './request-stream.js';

/** How a client is made. */
export interface ClientOptions {
  /** How its calls leave the process; over the registry at `RONDO_REGISTRY` by default. */
  readonly channel?: Channel;
  /** Runs around every call, whatever number of instances it is tried at; the first listed is outermost. */
  readonly middleware?: readonly Middleware[];
}

/** Makes a client from the service's contract alone: it needs no address. */
export function createClient<D extends ServiceDefinition>(definition: D, options: ClientOptions = {}): Client<D> {
  const { channel = defaultChannel(), middleware = [] } = options;
  const methods = [...methodsOf(definition)].map(([key, method]) => {
    const begin: Begin = (request, callOptions) => {
      const attempts: Attempt[] = [];
      const run = compose([...middleware, enforceLimit], toWire(channel, attempts));
      const startedAt = channel.clock.now();
      const explain = (error: unknown) =>
        withReport(error, { method: method.path, attempts: [...attempts], elapsedMs: channel.clock.now() - startedAt });
      const reply = () => {
        const call = newCall(method, request, { channel, ...callOptions });
        return endWith(run(call), () => call.limit.release());
      };
      return { reply, explain };
    };
    return [key, toClientMethod(method, begin)];
  });
  // Each function is made after its own method's shape, which the type of the definition states.
  return Object.fromEntries(methods) as Client<D>;
}

/** One call: what makes it, and what tells of a failure where it was tried. */
interface Begun {
  readonly reply: () => Promise<Reply>;
  readonly explain: (error: unknown) => unknown;
}

type Begin = (request: Payload, options: CallOptions) => Begun;

function toClientMethod({ requestStream, responseStream }: Method, begin: Begin) {
  const payload = (request: unknown): Payload =>
    requestStream ? { stream: true, messages: request as AsyncIterable<unknown> } : { stream: false, message: request };
  return responseStream
    ? (request: unknown, options: CallOptions = {}) => streamReply(begin(payload(request), options), options)
    : (request: unknown, options: CallOptions = {}) => unaryReply(begin(payload(request), options), options);
}

async function unaryReply({ reply, explain }: Begun, { onHeader, onTrailer }: CallOptions): Promise<unknown> {
  try {
    const { header, trailer, response } = await reply();
    onHeader?.(header);
    onTrailer?.(trailer);
    if (response.stream) throw new TypeError('a stream where one message was expected');
    return response.message;
  } catch (error) {
    throw explain(error);
  }
}

/** The call begins when its replies are first asked for, and is cancelled when their reader leaves early. */
async function* streamReply({ reply, explain }: Begun, { onHeader, onTrailer }: CallOptions): AsyncGenerator<unknown> {
  try {
    const { header, trailer, response } = await reply();
    onHeader?.(header);
    if (!response.stream) throw new TypeError('one message where a stream was expected');
    yield* response.messages;
    onTrailer?.(trailer);
  } catch (error) {
    throw explain(error);
  }
}

function withReport(error: unknown, report: CallReport): unknown {
  if (!(error instanceof RpcError)) return error;
  const { code, message, details, metadata } = error;
  return new RpcError(code, message, { details, metadata, cause: error, report });
}

function newCall(method: Method, request: Payload, options: CallOptions & { channel: Channel }): Call {
  const { clock, random } = options.channel;
  const scope = currentScope();
  const metadata = new Metadata(options.metadata);
  const traceId = scope?.traceId ?? newTraceId(random);
  propagateTrace(metadata, traceId, random);
  const now = clock.now();
  const limits = [
    scope?.deadline,
    options.deadline?.getTime(),
    options.timeoutMs === undefined ? undefined : now + options.timeoutMs,
    method.policy.timeoutMs === undefined ? undefined : now + method.policy.timeoutMs,
  ].filter((limit) => limit !== undefined);
  const deadline = limits.length === 0 ? undefined : Math.min(...limits);
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
  };
}

function toWire(channel: Channel, attempts: Attempt[]): Next {
  return async (call) => {
    const { method, metadata, deadline, limit } = call;
    const carry = (request: Payload<Uint8Array>) => {
      const { path, responseStream } = method;
      return channel.call(method, { path, responseStream, metadata, deadline, limit, request, peer: '' }, attempts);
    };
    const request = encodeRequest(call);
    if (!request.stream) return decodeReply(method, await carry(request));
    const messages = new RequestStream(request.messages, call.limit);
    return decodeReply(method, await endWith(carry({ stream: true, messages }), () => messages.close()));
  };
}
