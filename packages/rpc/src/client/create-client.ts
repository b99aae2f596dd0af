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
import { compose, enforceLimit, type Middleware, type Next } from '../middleware/index.js';
import { type Attempt, type CallReport, RpcError } from '../status/index.js';
import type { Channel } from './channel.js';
import type { CallOptions, Client } from './client.js';
import { decodeReply, encodeRequest } from './codec.js';
import { defaultChannel } from './default-channel.js';

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
        withReport(error, { method: method.path, attempts, elapsedMs: channel.clock.now() - startedAt });
      return { reply: () => run(newCall(method, request, { channel, ...callOptions })), explain };
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
  const limit = new CallLimit({ deadline, signals: [scope?.signal, options.signal], clock });
  return { method, metadata, deadline, signal: limit.signal, limit, request, traceId };
}

function toWire(channel: Channel, attempts: Attempt[]): Next {
  return async (call) => {
    const { method, metadata, deadline, signal } = call;
    const request = encodeRequest(call);
    const wire = { path: method.path, responseStream: method.responseStream, metadata, deadline, signal, request, peer: '' };
    return decodeReply(method, await channel.call(method, wire, attempts));
  };
}
