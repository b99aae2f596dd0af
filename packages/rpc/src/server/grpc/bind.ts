import type * as grpc from '@grpc/grpc-js';
import { type Logger, type Payload, type Reply, receivedTraceId } from '../../call/index.js';
import { type Clock, nextTurn, sleep } from '../../clock/index.js';
import type { Method } from '../../contract/index.js';
import { RpcError, Status } from '../../status/index.js';
import type { WireHandler } from '../../transport/index.js';
import { type Exchange, toExchange, toGrpcMetadata, toGrpcStatus } from './exchange.js';

/** Where a bound method leads. */
export interface Binding {
  readonly handle: WireHandler;
  readonly clock: Clock;
  /** Told of each call when it begins; what it returns is called when the call has ended. */
  readonly begin: (exchange: Exchange) => () => void;
  /** Has why a reply couldn't be sent. */
  readonly logger: Logger;
}

interface MethodBinding extends Binding {
  readonly method: Pick<Method, 'path' | 'responseStream' | 'policy'>;
}

type DuplexCall = grpc.ServerDuplexStream<Buffer, Buffer>;
type WritableCall = grpc.ServerWritableStream<Buffer, Buffer> | DuplexCall;

const identity = (bytes: Buffer): Buffer => bytes;
const toBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Registers `method` with a grpc-js server. Unary calls take grpc-js's short way, all others its streams. */
export function bindMethod(server: grpc.Server, method: Method, options: Binding): void {
  const binding: MethodBinding = { method, ...options };
  if (method.requestStream) {
    const serve = (call: DuplexCall) => {
      void serveStream(call, { stream: true, messages: requestsOf(call, binding.clock) }, binding);
    };
    server.register(method.path, serve, identity, identity, 'bidi');
  } else if (method.responseStream) {
    const serve = (call: grpc.ServerWritableStream<Buffer, Buffer>) =>
      void serveStream(call, { stream: false, message: call.request }, binding);
    server.register(method.path, serve, identity, identity, 'serverStream');
  } else {
    const serve: grpc.handleUnaryCall<Buffer, Buffer> = (call, respond) => serveUnary(call, respond, binding);
    server.register(method.path, serve, identity, identity, 'unary');
  }
}

/**
 * How long a reset may follow the end of the requests and still be what was meant: when a Node client cancels, its
 * HTTP/2 ends the stream first and resets it a turn of its event loop later. Milliseconds.
 */
const RESET_FOLLOWS_MS = 2;

/**
 * The requests of a call. Their end must not end the replies, as iterating over a Duplex itself would; and a caller who
 * has left has not ended them: half an upload is no whole one.
 */
async function* requestsOf(call: DuplexCall, clock: Clock): AsyncGenerator<Buffer> {
  yield* call.iterator({ destroyOnReturn: false });
  await sleep(clock, RESET_FOLLOWS_MS);
  // A process that stood still has its timers run before it reads what came meanwhile.
  await nextTurn();
  if (call.cancelled) throw new RpcError(Status.CANCELLED, 'the caller left before the end of its requests');
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
    respond(toGrpcStatus(fault, method.path));
    end();
  };
  handle(exchange.wire).then((reply) => {
    try {
      sendOne(call, respond, reply);
      end();
    } catch (fault) {
      fail(notSent(fault, exchange, binding));
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
function notSent(fault: unknown, { wire }: Exchange, { logger }: Binding): RpcError {
  if (fault instanceof RpcError) return fault;
  logger.error({ err: fault, method: wire.path, traceId: receivedTraceId(wire.metadata) }, 'the reply cannot be sent');
  return new RpcError(Status.INTERNAL, 'internal error: the reply cannot be sent; the log of the service says why');
}

/** Answers a call over grpc-js's streams. */
export async function serveStream(
  call: WritableCall,
  request: Payload<Uint8Array>,
  binding: MethodBinding,
): Promise<void> {
  const { method, handle, clock, begin } = binding;
  const exchange = toExchange(call, { method, request, clock });
  const end = begin(exchange);
  try {
    const reply = await handle(exchange.wire);
    await sendAll(call, reply);
    call.end(toGrpcMetadata(reply.trailer));
  } catch (fault) {
    // A call whose caller has left has nobody to tell.
    if (!call.destroyed) call.emit('error', toGrpcStatus(notSent(fault, exchange, binding), method.path));
  } finally {
    end();
  }
}

async function sendAll(call: WritableCall, { header, response }: Reply<Uint8Array>): Promise<void> {
  let headerSent = false;
  const sendHeader = () => {
    if (!headerSent && header.size > 0) call.sendMetadata(toGrpcMetadata(header));
    headerSent = true;
  };
  if (!response.stream) {
    sendHeader();
    await send(call, response.message);
    return;
  }
  for await (const message of response.messages) {
    sendHeader();
    await send(call, message);
  }
  sendHeader();
}

/** Writes one message, and waits while the reader is behind: until it catches up, or leaves. */
function send(call: WritableCall, message: Uint8Array): Promise<void> | undefined {
  if (call.write(toBuffer(message)) || call.destroyed) return undefined;
  return new Promise((resolve) => {
    const done = () => {
      call.off('drain', done);
      call.off('close', done);
      resolve();
    };
    call.on('drain', done);
    call.on('close', done);
  });
}
