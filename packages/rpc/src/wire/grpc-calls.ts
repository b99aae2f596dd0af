import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { type Clock, createSemaphore, FairQueue, Shares } from '@rondo/base';
import { isBase64 } from '../call/metadata.js';
import type { Method } from '../contract/method.js';
import type { Policy } from '../contract/policy.js';
import { serverErrors } from '../errors/server.js';
import type { Router } from '../server/router.js';
import type { RpcError } from '../status/rpc-error.js';
import { METHOD_PATH } from '../transport/frames/frames.js';
import { InFlight } from '../transport/grpc/active-calls.js';
import { ACCEPT_ENCODING, ACCEPTED_ENCODINGS, canDecompress, ENCODING } from '../transport/grpc/compression.js';
import { keepAlive } from '../transport/grpc/keepalive.js';
import {
  Answer,
  type GrpcOptions,
  NO_REPLY,
  type OpenedStream,
  type Refusal,
  readTimeout,
  trailerOf,
} from './answer.js';
import { FrameServer } from './frame-server.js';
import { type CallInFlight, GrpcCall } from './grpc-call.js';
import { HANDSHAKE_MS, MAX_OPEN_CALLS, MAX_UNFINISHED, OPEN_CALL, PINGS } from './limits.js';
import type { Peer } from './mutual-tls.js';
import { PingBarrier } from './ping-barrier.js';
import { Connection, type ConnectionOptions, type Opened, STEPS } from './requests.js';

interface CallsOptions {
  readonly clock: Clock;
  readonly maxRequestBytes: number;
}

/** The most messages that a server decompresses at once: one can grow to a thousand times its length. */
const MAX_DECOMPRESSIONS = 2;
/** How many calls whose connections have closed end in a round of the event loop. */
const MAX_ENDS = 16;

/** The calls of a server, over all its connections. */
export class ServedCalls {
  readonly #methods: ReadonlyMap<unknown, Method>;
  readonly #options: GrpcOptions;
  readonly #unfinished: Pick<ConnectionOptions, 'unfinished' | 'stepBytes' | 'open'>;
  readonly #inFlight = new InFlight<CallInFlight>();
  #draining = false;

  constructor({ methods, handle, logger }: Router, options: CallsOptions) {
    const maxUnfinished = MAX_UNFINISHED * options.maxRequestBytes;
    const stepBytes = Math.ceil(maxUnfinished / STEPS);
    this.#methods = new Map(methods.map((method) => [method.path, method]));
    const decompressions = createSemaphore(MAX_DECOMPRESSIONS);
    this.#options = { ...options, handle, logger, decompressions, ends: new FairQueue(MAX_ENDS) };
    const open = new Shares(MAX_OPEN_CALLS * OPEN_CALL.leastBytes);
    this.#unfinished = { unfinished: new Shares(2 * maxUnfinished), stepBytes, open };
  }

  /** Serves the calls that a client begins over its connection. */
  serve({ socket, session, client }: Opened): void {
    const close = () => session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    const barrier = new PingBarrier(session, this.#options.clock);
    const connection = new Connection({ socket, client, close, barrier, ...this.#unfinished });
    // Node gives the raw headers, too; its types don't know them.
    session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest: unknown[]) => {
      const [, raw] = rest;
      this.#take({ stream, headers, connection }, Array.isArray(raw) ? raw : NO_HEADERS);
    });
  }

  /**
   * Serves the calls of a connection that speaks frames. A client that sends no frame in time is cut off; one that is frozen, or was cut
   * off silently, is pinged, and then disconnected.
   */
  serveFrames(socket: Socket, client: Peer | undefined): FrameServer {
    const { clock } = this.#options;
    const connection = new Connection({ socket, client, close: () => socket.destroy(), ...this.#unfinished });
    const shared = { ...this.#options, methods: this.#methods, inFlight: this.#inFlight };
    const server = new FrameServer(socket, connection, shared);
    const unheard = clock.setTimer(HANDSHAKE_MS, () => server.isWelcome || socket.destroy(), { keepAlive: false });
    const pings = { intervalMs: () => PINGS.afterMs, timeoutMs: PINGS.answerMs, ask: () => server.ping() };
    const { stop } = keepAlive(socket, { clock, ...pings });
    socket.on('data', server.receive).once('close', () => {
      unheard.cancel();
      stop();
      server.closed();
    });
    return server;
  }

  /** Ends the streams without a deadline, also those that begin later: they would never end. Returns their number. */
  endStreams(): number {
    this.#draining = true;
    const streams = this.#inFlight.all().filter(({ endless }) => endless);
    for (const stream of streams) stream.abort(serverErrors.STOPPING());
    return streams.length;
  }

  endAll(): void {
    for (const call of this.#inFlight.all()) call.abort(serverErrors.STOPPING());
  }

  /** Serves a stream, or refuses it. The router answers calls of methods that aren't served: that proves that no handler ran. */
  #take(opened: OpenedStream, rawHeaders: readonly string[]): void {
    const { stream, headers } = opened;
    // What breaks a stream also closes it.
    if (stream.destroyed || stream.closed) return void stream.on('error', ignore);
    const timeoutMs = readTimeout(headers[TIMEOUT]);
    const refusal = refusalOf(headers, rawHeaders, timeoutMs);
    if (refusal !== undefined) {
      new Answer(stream, this.#options.clock).refuse(refusal);
      return;
    }
    const path = headers[':path'];
    const method = this.#methods.get(path);
    const headerBytes = rawHeaders.reduce((bytes, text) => bytes + text.length + HEADER_TEXT_BYTES, 0);
    const call = new GrpcCall({ opened, method: method ?? unserved(path), timeoutMs, headerBytes }, this.#options);
    if (method === undefined) {
      call.refuse();
      return;
    }
    this.#inFlight.add(call);
    if (this.#draining && call.endless) call.abort(serverErrors.STOPPING());
    call.receive(() => this.#inFlight.delete(call));
  }
}

const NO_HEADERS: readonly string[] = [];
/** What Node and V8 keep of a header's key, and of its value, besides the text. Measured, in bytes. */
const HEADER_TEXT_BYTES = 128;
const NO_POLICY: Policy = { timeoutMs: undefined, defaultTimeoutMs: undefined, idempotency: 'unknown' };

function unserved(path = ''): Pick<Method, 'path' | 'requestStream' | 'responseStream' | 'policy'> {
  const named = METHOD_PATH.test(path) ? path : quotable(path);
  return { path: named, requestStream: false, responseStream: false, policy: NO_POLICY };
}

function ignore(): void {}

const TIMEOUT = 'grpc-timeout';
/** The formats of requests: only that of protobuf is served. */
const CONTENT_TYPE = /^application\/grpc(?:\+proto)?(?:;|$)/;
const TEXT = { 'content-type': 'text/plain; charset=utf-8' } as const;

/** The answer to a request that is refused by its headers; undefined if it isn't. */
function refusalOf(
  headers: IncomingHttpHeaders,
  /** Keys and values in turn. Node has this list already; one of the keys alone would cost each call as much as a header. */
  rawHeaders: readonly string[],
  timeoutMs: number | undefined,
): Refusal | undefined {
  if (!CONTENT_TYPE.test(headers['content-type'] ?? '')) {
    const text = 'this port serves gRPC: send the content type application/grpc';
    return { headers: { ':status': 415, 'accept-post': 'application/grpc', ...TEXT }, text };
  }
  if (headers[':method'] !== 'POST')
    return { headers: { ':status': 405, allow: 'POST', ...TEXT }, text: 'gRPC calls are made by POST' };
  const path = String(headers[':path']);
  const fault = faultIn(headers, rawHeaders, timeoutMs);
  if (fault !== undefined) return { headers: { ...NO_REPLY, ...trailerOf(fault, path) } };
  const encoding = headers[ENCODING];
  if (encoding === undefined || encoding === 'identity' || canDecompress(encoding)) return undefined;
  const trailer = trailerOf(serverErrors.UNKNOWN_ENCODING({ encoding: quotable(encoding) }), path);
  return { headers: { ...NO_REPLY, ...trailer, [ACCEPT_ENCODING]: ACCEPTED_ENCODINGS } };
}

/** The fault of a request whose deadline or metadata can't be read; undefined if they can. */
function faultIn(
  headers: IncomingHttpHeaders,
  rawHeaders: readonly string[],
  timeoutMs: number | undefined,
): RpcError | undefined {
  if (Number.isNaN(timeoutMs)) return serverErrors.INVALID_TIMEOUT({ timeout: quotable(headers[TIMEOUT]) });
  const key = rawHeaders.find(isUnreadable);
  return key === undefined ? undefined : serverErrors.METADATA_NOT_BASE64({ key: quotable(key) });
}

function isUnreadable(key: string, at: number, rawHeaders: readonly string[]): boolean {
  return at % 2 === 0 && key.endsWith('-bin') && !isBase64(String(rawHeaders[at + 1]));
}

/** The value of a header, as short as it has to be in a status. */
function quotable(value: unknown): string {
  return String(value).slice(0, 100);
}
