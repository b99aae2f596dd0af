import type * as grpc from '@grpc/grpc-js';
import { type Logger, type Payload, type Reply, receivedTraceId } from '../../call/index.js';
import type { Clock } from '../../clock/index.js';
import type { Method, Policy } from '../../contract/index.js';
import { RpcError, Status } from '../../status/index.js';
import { toBuffer } from '../../transport/grpc/metadata.js';
import type { WireHandler } from '../../transport/index.js';
import { type Exchange, headerOf, toExchange, toGrpcMetadata, toGrpcStatus } from './exchange.js';
import { Replies, type StreamingCall } from './replies.js';
import type { RequestStream, RequestStreams } from './request-streams.js';

/** Where a bound method leads. */
interface Binding {
  readonly handle: WireHandler;
  readonly clock: Clock;
  /** What is known of request streams below grpc-js. */
  readonly streams: RequestStreams;
  /** Told of each call when it begins; what it returns is called when the call has ended. */
  readonly begin: (exchange: Exchange) => () => void;
  /** Has why a reply couldn't be sent. */
  readonly logger: Logger;
}

interface MethodBinding extends Binding {
  readonly method: Pick<Method, 'path' | 'responseStream' | 'policy'>;
}

type DuplexCall = grpc.ServerDuplexStream<Buffer, Buffer>;

const identity = (bytes: Buffer): Buffer => bytes;

/** Registers `method` with a grpc-js server. Unary calls take grpc-js's short way, all others its streams. */
export function bindMethod(server: grpc.Server, method: Method, options: Binding): void {
  const binding: MethodBinding = { method, ...options };
  if (method.requestStream) {
    const serve = (call: DuplexCall) => {
      limitReadAhead(call);
      const messages = requestsOf(call, binding.streams.take(call.metadata));
      void serveStream(call, { stream: true, messages }, binding);
    };
    server.register(method.path, serve, identity, identity, 'bidi');
  } else if (method.responseStream) {
    const serve = (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
      void serveStream(call, { stream: false, message: call.request }, binding);
    };
    server.register(method.path, serve, identity, identity, 'serverStream');
  } else {
    const serve: grpc.handleUnaryCall<Buffer, Buffer> = (call, respond) => serveUnary(call, respond, binding);
    server.register(method.path, serve, identity, identity, 'unary');
  }
}

/**
 * The requests of a call. Their end must not end the replies, as iterating over a Duplex itself would. A caller that has
 * left has not ended them, nor has one whose last message is cut off: half an upload is no whole one.
 */
async function* requestsOf(call: DuplexCall, stream: RequestStream | undefined): AsyncGenerator<Buffer> {
  yield* call.iterator({ destroyOnReturn: false });
  // A Node client that cancels ends its HTTP/2 stream first, and resets it a turn of its event loop later.
  await stream?.caughtUp();
  if (call.cancelled) throw new RpcError(Status.CANCELLED, 'the caller left before the end of its requests');
  if (stream?.whole === false)
    throw new RpcError(Status.INTERNAL, 'the requests ended inside a message; send it whole');
}

function serveUnary(
  call: grpc.ServerUnaryCall<Buffer, Buffer>,
  respond: grpc.sendUnaryData<Buffer>,
  binding: MethodBinding,
): void {
  const { method, handle, clock, begin } = binding;
  const exchange = toExchange(call, { method, request: { stream: false, message: call.request }, clock });
  const end = begin(exchange);
  const fail = (fault: unknown) => {
    const header = headerOf(fault);
    if (header !== undefined) call.sendMetadata(toGrpcMetadata(header));
    respond(toGrpcStatus(fault, method.path));
    end();
  };
  handle(exchange.wire).then((reply) => {
    try {
      sendOne(call, respond, reply);
      end();
    } catch (fault) {
      fail(sendFailure(fault, exchange, binding));
    }
  }, fail);
}

/** Nothing is sent before all of it is known to be what can be. */
function sendOne(
  call: grpc.ServerUnaryCall<Buffer, Buffer>,
  respond: grpc.sendUnaryData<Buffer>,
  { header, trailer, response }: Reply<Uint8Array>,
): void {
  if (response.stream) throw new TypeError('a stream where one message was expected');
  const first = header.size > 0 ? toGrpcMetadata(header) : undefined;
  const last = toGrpcMetadata(trailer);
  if (first !== undefined) call.sendMetadata(first);
  respond(null, toBuffer(response.message), last);
}

/** What a call ends with whose reply can't be sent. */
function sendFailure(fault: unknown, { wire }: Exchange, { logger }: Binding): RpcError {
  if (fault instanceof RpcError) return fault;
  logger.error({ err: fault, method: wire.path, traceId: receivedTraceId(wire.metadata) }, 'the reply cannot be sent');
  return new RpcError(Status.INTERNAL, 'internal error: the reply cannot be sent; the log of the service says why');
}

/** Answers a call over grpc-js's streams. */
async function serveStream(call: StreamingCall, request: Payload<Uint8Array>, binding: MethodBinding): Promise<void> {
  const { method, handle, clock, begin } = binding;
  const exchange = toExchange(call, { method, request, clock });
  const replies = new Replies(call);
  const end = begin(exchange);
  try {
    const reply = await handle(exchange.wire);
    await replies.sendAll(reply);
    call.end(toGrpcMetadata(reply.trailer));
  } catch (fault) {
    replies.fail(sendFailure(fault, exchange, binding), method.path);
  } finally {
    end();
  }
}

/** Node reads 16 messages of any length ahead of a handler; none is enough, as HTTP/2 has a window of its own. */
function limitReadAhead(call: DuplexCall): void {
  const state: unknown = Reflect.get(call, '_readableState');
  if (typeof state === 'object' && state !== null) Reflect.set(state, 'highWaterMark', 0);
}

const NO_POLICY: Policy = { timeoutMs: undefined, defaultTimeoutMs: undefined, idempotency: 'unknown' };
/** No path, as those begin with a slash. */
const ANY = '*';
/** What a path is that the router is asked for; grpc-js itself refuses every other. */
const PATH = /^\/[\x21-\x7e]{1,255}$/;

/**
 * Has the router answer the calls of methods that aren't served, as it does over every other transport: its answer
 * proves to a Rondo client that no handler ran.
 *
 * grpc-js has no place for such a handler. Here its table of handlers is told to find one for every path; if a version
 * of grpc-js keeps no such table, it refuses these calls by itself, in words that prove the same.
 */
export function bindUnknown(server: grpc.Server, binding: Binding): void {
  const handlers: unknown = Reflect.get(server, 'handlers');
  if (!(handlers instanceof Map)) return;
  const known = handlers.get.bind(handlers);
  const refuse = (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
    const method = { path: call.getPath(), responseStream: false, policy: NO_POLICY };
    void serveStream(call, { stream: false, message: Buffer.alloc(0) }, { ...binding, method });
  };
  server.register(ANY, refuse, identity, identity, 'bidi');
  handlers.get = (path: unknown) => {
    const handler = path === ANY ? undefined : known(path);
    if (handler !== undefined || typeof path !== 'string' || !PATH.test(path)) return handler;
    return { ...known(ANY), path };
  };
}
