import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { createSemaphore, type Timer } from '@rondo/base';
import type { Reply } from '../../call/call.js';
import { CallContext } from '../../call/call-context.js';
import type { Metadata, MetadataValue } from '../../call/metadata.js';
import type { Method } from '../../contract/method.js';
import { serverErrors } from '../../errors/server.js';
import { Status } from '../../status/code.js';
import type { RpcError } from '../../status/rpc-error.js';
import { RouterError } from '../../status/wire-errors.js';
import { ACCEPT_ENCODING, ACCEPTED_ENCODINGS, ENCODING } from '../../transport/grpc/compression.js';
import { letGo, letGoOnceClosed } from '../../transport/grpc/ended-stream.js';
import { LONG_BYTES, prefixOf, withPrefix } from '../../transport/grpc/length-prefix.js';
import { noteArrival } from './arrival.js';
import { type Binding, sendFailure } from './bind.js';
import type { Connection, Connections } from './connections.js';
import { type CallInFlight, headerOf, ReceivedCall, reasonOfEnd } from './exchange.js';
import { readTimeout } from './http2.js';
import { addToHeaders, forEachIn, valuesIn } from './http2-metadata.js';
import { MAX_RECEIVE_MS, MAX_UNFINISHED } from './limits.js';
import { faultIn, NO_BODY, NO_REPLY, refusalOf, statusAlone, TIMEOUT, tooSlow, trailerOf } from './unary-refusal.js';
import { UnaryRequest } from './unary-request.js';

/** The most messages that a server decompresses at once: one can grow to a thousand times its length. */
const MAX_DECOMPRESSIONS = 2;

/** What the unary calls of a server share. */
interface UnaryBinding extends Binding {
  readonly maxRequestBytes: number;
  readonly connections: Connections;
  /** The requests that are decompressed at once. */
  readonly decompressions: ReturnType<typeof createSemaphore>;
}

/**
 * Serves the unary calls of a server on their HTTP/2 streams, without grpc-js, which would double the cost of such
 * a call. See ADR 0038.
 */
export class UnaryStreams {
  readonly #methods: ReadonlyMap<unknown, Method>;
  readonly #binding: UnaryBinding;

  constructor(methods: readonly Method[], binding: Omit<UnaryBinding, 'decompressions'>) {
    const unary = methods.filter(({ requestStream, responseStream }) => !requestStream && !responseStream);
    this.#methods = new Map(unary.map((method) => [method.path, method]));
    this.#binding = { ...binding, decompressions: createSemaphore(MAX_DECOMPRESSIONS) };
  }

  /**
   * Serves a stream that calls a unary method, and refuses a stream of any method whose headers are invalid.
   * Returns whether it did either.
   */
  take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]): boolean {
    const path = headers[':path'];
    const method = this.#methods.get(path);
    const timeoutMs = readTimeout(headers[TIMEOUT]);
    const fault = faultIn(headers, rawHeaders, timeoutMs);
    const refusal = method ? refusalOf(headers, fault, method.path) : fault && statusAlone(fault, String(path));
    if (method === undefined && refusal === undefined) return false;
    // What breaks a stream also closes it.
    stream.on('error', ignore);
    const { session } = stream;
    // Its client has left already.
    if (session === undefined) return true;
    if (method === undefined || refusal !== undefined) {
      letGoOnceClosed(stream);
      stream.resume().respond(refusal, NO_BODY);
      return true;
    }
    const { clock, peers } = this.#binding;
    noteArrival(headers);
    new UnaryStream(stream, this.#binding, {
      method,
      headers,
      timeoutMs,
      deadline: timeoutMs === undefined ? undefined : clock.now() + timeoutMs,
      connection: this.#binding.connections.of(session),
      client: peers?.of(session),
    }).receive();
    return true;
  }
}

function ignore(): void {}

/** What the headers of a call say. */
interface UnaryHeaders extends Pick<ReceivedCall, 'deadline'> {
  readonly method: Method;
  readonly connection: Connection;
  readonly headers: IncomingHttpHeaders;
  readonly timeoutMs: number | undefined;
  readonly client: ReturnType<NonNullable<Binding['peers']>['of']>;
}

/** The header of a reply. */
const HEADER: Readonly<OutgoingHttpHeaders> = {
  ...NO_REPLY,
  [ACCEPT_ENCODING]: ACCEPTED_ENCODINGS,
  [ENCODING]: 'identity',
};
const BEFORE_TRAILERS = { waitForTrailers: true, sendDate: false } as const;

/** One unary call at its HTTP/2 stream. */
class UnaryStream extends ReceivedCall implements CallInFlight {
  slot = -1;
  readonly endless = false;
  readonly request: UnaryRequest;
  readonly #stream: ServerHttp2Stream;
  readonly #binding: UnaryBinding;
  readonly #headers: IncomingHttpHeaders;
  readonly #timeoutMs: number | undefined;
  /** What the contract allows the call. */
  readonly #allowedMs: number;
  readonly #connection: Connection;
  /** Its part of the connection's. */
  #unfinishedBytes = 0;
  /** Until its request has come, if its deadline is later than that may be. */
  #receiving: Timer | undefined;
  /** Whether its request has come whole. */
  #received = false;
  /** Whether its handler runs, or has run. */
  #begun = false;
  /** Whether it has a status. */
  #settled = false;

  constructor(stream: ServerHttp2Stream, binding: UnaryBinding, received: UnaryHeaders) {
    const { method, connection, headers, timeoutMs, ...call } = received;
    const { path } = method;
    super({ path, responseStream: false, context: new CallContext(), peer: connection.address, ...call });
    this.#stream = stream;
    this.#binding = binding;
    this.#connection = connection;
    this.#headers = headers;
    this.#timeoutMs = timeoutMs;
    this.#allowedMs = method.policy.timeoutMs ?? Number.POSITIVE_INFINITY;
    this.request = new UnaryRequest(binding.maxRequestBytes, headers[ENCODING]);
  }

  /** Reads the request, and then has it handled. The call is in flight as long as its stream is open. */
  receive(): void {
    const stream = this.#stream;
    const { begin } = this.#binding;
    const end = begin(this);
    // The only listener of this event: Node copies a list of several for each call.
    stream.on('close', () => {
      this.#closed();
      end();
      letGo.call(stream);
    });
    stream.on('data', (chunk: Buffer) => {
      if (!this.#settled) this.#read(chunk);
    });
    stream.on('end', () => {
      if (!this.#begun && this.#isOpen) this.#end();
    });
    this.context.onEnd(this.#onEarlyEnd);
    this.#limit();
  }

  /** Sets the call's deadline, or bounds at least the time until its request has come. */
  #limit(): void {
    const { context, deadline = Number.POSITIVE_INFINITY } = this;
    const { clock } = this.#binding;
    const now = clock.now();
    const allowed = now + this.#allowedMs;
    const endsAt = Math.min(deadline, allowed);
    if (endsAt < Number.POSITIVE_INFINITY) context.endAt(endsAt, clock, deadline <= allowed ? 'caller' : 'contract');
    if (endsAt - now <= MAX_RECEIVE_MS) return;
    this.#receiving = clock.setTimer(MAX_RECEIVE_MS, () => context.end(tooSlow()), { keepAlive: false });
  }

  /** Answers a call that ends before its request is handled. */
  readonly #onEarlyEnd = (): void => {
    const { reason } = this.context;
    if (this.#begun || this.#settled || reason === undefined) return;
    const { code, message, retryPushbackMs } = reason;
    this.#fail(new RouterError(code, message, { handled: 'never', retryPushbackMs }));
  };

  #read(chunk: Buffer): void {
    this.#unfinishedBytes += chunk.length;
    try {
      if (!this.#connection.hold(chunk.length)) {
        const most = MAX_UNFINISHED * this.#binding.maxRequestBytes;
        throw serverErrors.TOO_MUCH_AT_ONCE({ most }, { handled: 'never' });
      }
      this.request.read(chunk);
    } catch (fault) {
      this.#refuse(fault);
    }
  }

  /** It no longer waits for its request, which has come, or isn't wanted. */
  #stopReceiving(): void {
    this.#receiving?.cancel();
    this.#connection.hold(-this.#unfinishedBytes);
    this.#unfinishedBytes = 0;
  }

  /** Sends the response's header at once. Further ones are ignored. */
  sendHeader(header: Metadata): void {
    if (this.#isGone || this.#stream.headersSent) return;
    this.#stream.respond(addToHeaders({ ...HEADER }, header), BEFORE_TRAILERS);
  }

  abort(reason: RpcError): void {
    this.context.end(reason);
  }

  settle(): void {
    this.#settled = true;
  }

  getAll(key: string): readonly MetadataValue[] {
    return valuesIn(this.#headers, key);
  }

  forEach(visit: (key: string, value: MetadataValue) => void): void {
    forEachIn(this.#headers, visit);
  }

  get #isGone(): boolean {
    const stream = this.#stream;
    return stream.destroyed || stream.closed || stream.aborted;
  }

  /** Whether its client still waits for its status. */
  get #isOpen(): boolean {
    return !this.#settled && !this.#isGone;
  }

  #closed(): void {
    this.#stopReceiving();
    if (this.#settled) return;
    this.#settled = true;
    // The reason isn't read, and an attacker may reset thousands of streams: an error would double the cost of each.
    if (!this.#received) this.context.release();
    else this.context.end(reasonOfEnd(this.deadline, this.#timeoutMs, this.#binding.clock));
  }

  /** Fails the call, as its request can't be read. */
  #refuse(fault: unknown): void {
    this.context.release();
    this.#fail(fault);
  }

  /** Passes the request to the handler, after decompression if needed. The call can end meanwhile. */
  #end(): void {
    const { request } = this;
    try {
      request.end();
    } catch (fault) {
      this.#refuse(fault);
      return;
    }
    this.#received = true;
    if (!request.isCompressed) {
      this.#begin();
      return;
    }
    this.#binding.decompressions
      .run(() => request.decompress(), this.context.signal, this.#connection.network)
      .then(() => {
        if (this.#isOpen) this.#begin();
      })
      .catch((fault) => this.#refuse(fault));
  }

  #begin(): void {
    this.#begun = true;
    this.context.offEnd(this.#onEarlyEnd);
    this.#stopReceiving();
    this.#binding.handle(this).then(
      (reply) => {
        try {
          this.#succeed(reply);
        } catch (fault) {
          this.#fail(sendFailure(fault, this, this.#binding));
        }
      },
      (fault) => this.#fail(fault),
    );
  }

  /** Converts everything before it sends anything, so that a reply which can't be sent still gets a status. */
  #succeed({ header, trailer, response }: Reply<Uint8Array>): void {
    if (response.stream) throw new TypeError('a stream where one message was expected');
    this.request.drop();
    if (!this.#isOpen) return;
    const stream = this.#stream;
    const first = header.isEmpty ? HEADER : addToHeaders({ ...HEADER }, header);
    const last = addToHeaders({ 'grpc-status': Status.OK }, trailer);
    const { message } = response;
    if (!stream.headersSent) stream.respond(first, BEFORE_TRAILERS);
    this.#settled = true;
    stream.once('wantTrailers', () => stream.sendTrailers(last));
    if (message.length > LONG_BYTES) {
      // Both go to Node's session at once, which counts what its client leaves unread.
      stream.cork();
      stream.write(prefixOf(message.length));
      stream.end(message);
    } else {
      stream.end(withPrefix(message));
    }
  }

  #fail(fault: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.request.drop();
    if (!this.#begun) this.#stopReceiving();
    if (this.#isGone) return;
    const stream = this.#stream;
    const last = trailerOf(fault, this.path);
    const header = headerOf(fault);
    if (header !== undefined && !stream.headersSent)
      stream.respond(addToHeaders({ ...HEADER }, header), BEFORE_TRAILERS);
    if (!stream.headersSent) {
      stream.respond({ ...NO_REPLY, ...last }, NO_BODY);
      // The rest of the request isn't read, and the stream would stay open until its client ends it. RFC 9113, section 8.1.
      if (!this.#received) stream.close(constants.NGHTTP2_NO_ERROR);
      return;
    }
    stream.once('wantTrailers', () => stream.sendTrailers(last));
    stream.end();
  }
}
