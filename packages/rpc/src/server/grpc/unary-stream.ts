import type { Http2Session, IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Payload, Reply } from '../../call/call.js';
import { CallContext } from '../../call/call-context.js';
import type { Metadata, MetadataValue } from '../../call/metadata.js';
import { createSemaphore, type Semaphore } from '../../clock/semaphore.js';
import type { Method } from '../../contract/method.js';
import { Status } from '../../status/code.js';
import { RpcError } from '../../status/rpc-error.js';
import { ACCEPT_ENCODING, ACCEPTED_ENCODINGS, canDecompress, ENCODING } from '../../transport/grpc/compression.js';
import { noteArrival } from './arrival.js';
import { type Binding, sendFailure } from './bind.js';
import { type CallInFlight, headerOf, ReceivedCall, reasonOfEnd, toGrpcStatus } from './exchange.js';
import { readTimeout } from './http2.js';
import { addToHeaders, forEachIn, valuesIn } from './http2-metadata.js';
import { UnaryRequest } from './unary-request.js';

/** A message can be a thousand times as long once it is decompressed, so few of a server are at once. */
const MAX_DECOMPRESSIONS = 2;

/** What the unary calls of a server share. */
interface UnaryBinding extends Binding {
  readonly maxRequestBytes: number;
  /** The requests that are decompressed at once. */
  readonly decompressions: Semaphore;
}

/**
 * Takes the unary calls of a server from their HTTP/2 streams, before grpc-js sees them: its part of such a call costs as much
 * as Rondo's. See ADR 0088.
 */
export class UnaryStreams {
  readonly #methods: ReadonlyMap<unknown, Method>;
  readonly #binding: UnaryBinding;
  readonly #addresses = new WeakMap<Http2Session, string>();

  constructor(methods: readonly Method[], binding: Omit<UnaryBinding, 'decompressions'>) {
    const unary = methods.filter(({ requestStream, responseStream }) => !requestStream && !responseStream);
    this.#methods = new Map(unary.map((method) => [method.path, method]));
    this.#binding = { ...binding, decompressions: createSemaphore(MAX_DECOMPRESSIONS) };
  }

  /** Serves a stream if it is a call of a unary method, also if it has to be refused. Returns whether it is. */
  take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    const method = this.#methods.get(headers[':path']);
    if (method === undefined) return false;
    // What breaks a stream also closes it.
    stream.on('error', ignore);
    const { session } = stream;
    // Its client has left already.
    if (session === undefined) return true;
    const timeoutMs = readTimeout(headers[TIMEOUT]);
    const refusal = refusalOf(headers, timeoutMs, method.path);
    if (refusal !== undefined) {
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
      peer: this.#addressOf(session),
      client: peers?.of(session),
    }).receive();
    return true;
  }

  /** Reading it costs more than all else here, so it is kept. */
  #addressOf(session: Http2Session): string {
    let address = this.#addresses.get(session);
    if (address === undefined) {
      // Node's types lack that a session has no socket once it is destroyed.
      const socket: Socket | undefined = session.socket;
      address = socket?.remoteAddress === undefined ? 'unknown' : `${socket.remoteAddress}:${socket.remotePort}`;
      this.#addresses.set(session, address);
    }
    return address;
  }
}

const TIMEOUT = 'grpc-timeout';
/** The formats of requests: only that of protobuf is served. */
const CONTENT_TYPE = /^application\/grpc(?:\+proto)?(?:;|$)/;

/** The answer to a request that is refused by its headers; undefined if it isn't. */
function refusalOf(
  headers: IncomingHttpHeaders,
  timeoutMs: number | undefined,
  path: string,
): OutgoingHttpHeaders | undefined {
  if (!CONTENT_TYPE.test(headers['content-type'] ?? '')) return { ':status': 415, 'accept-post': 'application/grpc' };
  if (headers[':method'] !== 'POST') return { ':status': 405, allow: 'POST' };
  if (Number.isNaN(timeoutMs)) return { ...NO_REPLY, ...trailerOf(invalidTimeout(quotable(headers[TIMEOUT])), path) };
  const encoding = headers[ENCODING];
  if (encoding === undefined || encoding === 'identity' || canDecompress(encoding)) return undefined;
  const trailer = trailerOf(unknownEncoding(quotable(encoding)), path);
  return { ...NO_REPLY, ...trailer, [ACCEPT_ENCODING]: ACCEPTED_ENCODINGS };
}

/** The value of a header, as short as it has to be in a status. */
function quotable(value: unknown): string {
  return String(value).slice(0, 100);
}

function invalidTimeout(timeout: string): RpcError {
  // @cause A client gave its call a deadline that isn't written as gRPC's are.
  // @remedy Correct the client. A timeout is a whole number of at most 8 digits, and its unit: H, M, S, m, u or n.
  // @effect none
  return new RpcError(
    Status.INTERNAL,
    `the grpc-timeout "${timeout}" is not valid; send at most 8 digits and one of H, M, S, m, u and n`,
  );
}

function unknownEncoding(encoding: string): RpcError {
  // @cause A client compresses its request in a way that Rondo's servers don't support.
  // @remedy Compress by gzip or deflate, or not at all.
  // @effect none
  return new RpcError(
    Status.UNIMPLEMENTED,
    `the grpc-encoding "${encoding}" is not supported; send gzip, deflate or identity`,
  );
}

function ignore(): void {}

/** What the headers of a call say. */
interface UnaryHeaders extends Pick<ReceivedCall, 'deadline' | 'peer'> {
  readonly method: Method;
  readonly headers: IncomingHttpHeaders;
  readonly timeoutMs: number | undefined;
  readonly client: ReturnType<NonNullable<Binding['peers']>['of']>;
}

/** The header of a status alone. */
const NO_REPLY: Readonly<OutgoingHttpHeaders> = { ':status': 200, 'content-type': 'application/grpc+proto' };
/** The header of a reply. */
const HEADER: Readonly<OutgoingHttpHeaders> = {
  ...NO_REPLY,
  [ACCEPT_ENCODING]: ACCEPTED_ENCODINGS,
  [ENCODING]: 'identity',
};
const BEFORE_TRAILERS = { waitForTrailers: true, sendDate: false } as const;
const NO_BODY = { endStream: true, sendDate: false } as const;
/** Copying a longer message costs more than writing it after its prefix. */
const LONG_BYTES = 16 * 1024;
const PREFIX_BYTES = 5;
const NO_BYTES = Buffer.alloc(0);

/** `bytes` after the prefix of a message of `length`. */
function framed(bytes: Uint8Array, length: number): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + bytes.length);
  frame.writeUInt8(0);
  frame.writeUInt32BE(length, 1);
  frame.set(bytes, PREFIX_BYTES);
  return frame;
}

/** The trailer of a call that has failed. */
function trailerOf(fault: unknown, path: string): OutgoingHttpHeaders {
  const { code, details, metadata } = toGrpcStatus(fault, path);
  return { 'grpc-status': code, 'grpc-message': encodeURI(details), ...metadata.toHttp2Headers() };
}

/** One unary call at its HTTP/2 stream. */
class UnaryStream extends ReceivedCall implements CallInFlight {
  slot = -1;
  readonly endless = false;
  readonly #stream: ServerHttp2Stream;
  readonly #binding: UnaryBinding;
  readonly #headers: IncomingHttpHeaders;
  readonly #timeoutMs: number | undefined;
  readonly #request: UnaryRequest;
  /** Whether its handler runs, or has run. */
  #begun = false;
  /** Whether it has a status. */
  #settled = false;

  constructor(stream: ServerHttp2Stream, binding: UnaryBinding, { method, headers, timeoutMs, ...call }: UnaryHeaders) {
    super({ path: method.path, responseStream: false, context: new CallContext(), ...call });
    this.#stream = stream;
    this.#binding = binding;
    this.#headers = headers;
    this.#timeoutMs = timeoutMs;
    this.#request = new UnaryRequest(binding.maxRequestBytes, headers[ENCODING]);
  }

  get request(): Payload<Uint8Array> {
    return this.#request;
  }

  /** Reads the request, and then has it handled. */
  receive(): void {
    const stream = this.#stream;
    stream.on('close', () => this.#closed());
    stream.on('data', (chunk: Buffer) => {
      if (!this.#settled) this.#try(() => this.#request.read(chunk));
    });
    stream.on('end', () => {
      if (!this.#begun && this.#isOpen) this.#try(() => this.#end());
    });
    if (this.deadline === undefined) return;
    this.context.onEnd(() => {
      if (!this.#begun && this.context.reason !== undefined) this.#fail(this.context.reason);
    });
    this.context.endAt(this.deadline, this.#binding.clock, 'caller');
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
    if (this.#settled) return;
    this.#settled = true;
    this.context.end(reasonOfEnd(this.deadline, this.#timeoutMs, this.#binding.clock));
  }

  /** Fails the call with what `step` throws: its request can't be read. */
  #try(step: () => void): void {
    try {
      step();
    } catch (fault) {
      this.#refuse(fault);
    }
  }

  #refuse(fault: unknown): void {
    this.context.release();
    this.#fail(fault);
  }

  /** Has the request handled, which may have to be decompressed first. Meanwhile the call can end. */
  #end(): void {
    const request = this.#request;
    request.end();
    if (!request.isCompressed) {
      this.#begin();
      return;
    }
    this.#binding.decompressions
      .run(() => request.decompress(), this.context.signal)
      .then(
        () => {
          if (this.#isOpen) this.#try(() => this.#begin());
        },
        (fault) => this.#refuse(fault),
      );
  }

  #begin(): void {
    this.#begun = true;
    const { begin, handle } = this.#binding;
    const end = begin(this);
    handle(this).then(
      (reply) => {
        try {
          this.#succeed(reply);
        } catch (fault) {
          this.#fail(sendFailure(fault, this, this.#binding));
        }
        end();
      },
      (fault) => {
        this.#fail(fault);
        end();
      },
    );
  }

  /** Converts everything before it sends anything, so that a reply which can't be sent still gets a status. */
  #succeed({ header, trailer, response }: Reply<Uint8Array>): void {
    if (response.stream) throw new TypeError('a stream where one message was expected');
    if (!this.#isOpen) return;
    const stream = this.#stream;
    const first = header.isEmpty ? HEADER : addToHeaders({ ...HEADER }, header);
    const last = addToHeaders({ 'grpc-status': Status.OK }, trailer);
    const { message } = response;
    if (!stream.headersSent) stream.respond(first, BEFORE_TRAILERS);
    this.#settled = true;
    stream.once('wantTrailers', () => stream.sendTrailers(last));
    if (message.length > LONG_BYTES) {
      stream.write(framed(NO_BYTES, message.length));
      stream.end(message);
    } else {
      stream.end(framed(message, message.length));
    }
  }

  #fail(fault: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    if (this.#isGone) return;
    const stream = this.#stream;
    const last = trailerOf(fault, this.path);
    const header = headerOf(fault);
    if (header !== undefined && !stream.headersSent)
      stream.respond(addToHeaders({ ...HEADER }, header), BEFORE_TRAILERS);
    if (!stream.headersSent) {
      stream.respond({ ...NO_REPLY, ...last }, NO_BODY);
      return;
    }
    stream.once('wantTrailers', () => stream.sendTrailers(last));
    stream.end();
  }
}
