import { finished } from 'node:stream';
import type * as grpc from '@grpc/grpc-js';
import type { Clock } from '@rondo/base';
import type { Logger, Payload } from '../../call/call.js';
import { cancelled } from '../../call/call-context.js';
import { receivedTraceId } from '../../call/trace.js';
import type { Method } from '../../contract/method.js';
import type { Policy } from '../../contract/policy.js';
import { serverErrors } from '../../errors/server.js';
import { RpcError } from '../../status/rpc-error.js';
import type { WireCall, WireHandler } from '../../transport/transport.js';
import { METHOD_PATH } from '../../transport/tunnel/frames.js';
import { type CallInFlight, toExchange } from './exchange.js';
import type { PeerIdentities } from './mutual-tls.js';
import { Replies, type StreamingCall } from './replies.js';
import type { RequestStream, RequestStreams } from './request-streams.js';

/** What the bound methods of a server share. */
export interface Binding {
  readonly handle: WireHandler;
  readonly clock: Clock;
  /** The request streams below grpc-js. */
  readonly streams: RequestStreams;
  /** The clients' identities; undefined without TLS. */
  readonly peers: PeerIdentities | undefined;
  /** Runs when a call begins. The returned function runs when the call has ended. */
  readonly begin: (call: CallInFlight) => () => void;
  /** Logs why a reply couldn't be sent. */
  readonly logger: Logger;
}

interface MethodBinding extends Binding {
  readonly method: Pick<Method, 'path' | 'responseStream' | 'policy'>;
}

type DuplexCall = grpc.ServerDuplexStream<Buffer, Buffer>;
type RequestStep = IteratorResult<Buffer, undefined>;

const identity = (bytes: Buffer): Buffer => bytes;

/** Registers `method` with a grpc-js server if it streams. The others are served by {@link UnaryStreams}. */
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
  }
}

/**
 * The requests of a call. Their end must not end the replies, as iterating over a Duplex itself would. If the caller
 * has cancelled, or the last message is cut off, this throws: a partial upload must not look complete.
 */
function requestsOf(call: DuplexCall, stream: RequestStream | undefined): AsyncIterable<Buffer> {
  const atEnd = async (): Promise<RequestStep> => {
    // When a Node client cancels, it ends its HTTP/2 stream first, and resets it one turn of its event loop later.
    await stream?.caughtUp();
    // A handler reads it from its requests; its client has left.
    if (call.cancelled) throw cancelled();
    if (stream?.whole === false) throw serverErrors.REQUESTS_CUT_OFF();
    return { done: true, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => new RequestReader(call, atEnd) };
}

/** Reads as Node's own iterator of a stream does, but that is a generator, which costs each message four more promises. */
class RequestReader implements AsyncIterator<Buffer, undefined> {
  readonly #call: DuplexCall;
  readonly #atEnd: () => Promise<RequestStep>;
  /** Set when no more messages come. */
  #ended: { readonly error: unknown } | undefined;
  #read: Promise<unknown> = Promise.resolve();
  /** Settles the read that waits for a message, if it can. */
  #settle: (() => void) | undefined;
  #stop: (() => void) | undefined;

  constructor(call: DuplexCall, atEnd: () => Promise<RequestStep>) {
    this.#call = call;
    this.#atEnd = atEnd;
  }

  next(): Promise<RequestStep> {
    this.#stop ??= this.#start();
    if (this.#settle !== undefined) return this.#read.then(this.#nextInTurn, this.#nextInTurn);
    const read = new Promise<RequestStep>((resolve, reject) => {
      this.#settle = () => {
        const message: Buffer | null = this.#call.destroyed ? null : this.#call.read();
        if (message === null && this.#ended === undefined) return;
        this.#settle = undefined;
        if (message !== null) resolve({ done: false, value: message });
        else if (this.#ended?.error) reject(this.#ended.error);
        else resolve(this.#atEnd());
      };
      this.#settle();
    });
    this.#read = read;
    return read;
  }

  readonly #nextInTurn = (): Promise<RequestStep> => this.next();

  async return(): Promise<RequestStep> {
    this.#stop?.();
    return { done: true, value: undefined };
  }

  #start(): () => void {
    const look = () => this.#settle?.();
    const release = finished(this.#call, { writable: false }, (error) => {
      this.#ended = { error };
      look();
    });
    this.#call.on('readable', look);
    return () => {
      this.#call.off('readable', look);
      release();
    };
  }
}

/** The error of a call whose reply can't be sent. */
export function sendFailure(fault: unknown, wire: WireCall, { logger }: Binding): RpcError {
  if (fault instanceof RpcError) return fault;
  logger.error({ err: fault, method: wire.path, traceId: receivedTraceId(wire.metadata) }, 'the reply cannot be sent');
  return serverErrors.UNSENDABLE_REPLY();
}

/** Answers a call over grpc-js's streams. */
async function serveStream(call: StreamingCall, request: Payload<Uint8Array>, binding: MethodBinding): Promise<void> {
  const { method, handle, clock, begin, peers } = binding;
  const exchange = toExchange(call, { method, request, clock, peer: peers?.take(call.metadata) });
  const replies = new Replies(call);
  const end = begin(exchange);
  try {
    await replies.sendAll(await handle(exchange.wire));
  } catch (fault) {
    replies.fail(sendFailure(fault, exchange.wire, binding), method.path);
  } finally {
    end();
  }
}

/** Turns off Node's read-ahead, which is 16 messages of any length. HTTP/2 has a window of its own. */
function limitReadAhead(call: DuplexCall): void {
  const state: unknown = Reflect.get(call, '_readableState');
  if (typeof state === 'object' && state !== null) Reflect.set(state, 'highWaterMark', 0);
}

const NO_POLICY: Policy = { timeoutMs: undefined, defaultTimeoutMs: undefined, idempotency: 'unknown' };
/** Not a path, because a path begins with a slash. */
const ANY = '*';

/**
 * Routes calls of methods that aren't served to the router, as every other transport does. The router's answer proves
 * to a Rondo client that no handler ran.
 *
 * grpc-js has no API for such a handler, so its table of handlers is made to return one for every path. If a version of
 * grpc-js has no such table, it refuses these calls itself, with a text that proves the same.
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
    if (handler !== undefined || typeof path !== 'string' || !METHOD_PATH.test(path)) return handler;
    return { ...known(ANY), path };
  };
}
