import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Timer } from '@rondo/base';
import type { Payload, Reply } from '../call/call.js';
import { CallContext, cancelled, deadlineExceeded } from '../call/call-context.js';
import { Metadata, type MetadataSource, type MetadataValue, PRINCIPAL } from '../call/metadata.js';
import { type RequestArrival, TIMING_REQUEST } from '../call/server-timing.js';
import type { Method } from '../contract/method.js';
import { serverErrors } from '../errors/server.js';
import type { ReceivedAssertion } from '../principal/verifier.js';
import type { RpcError } from '../status/rpc-error.js';
import { RouterError } from '../status/wire-errors.js';
import type { InFlightMember } from '../transport/grpc/active-calls.js';
import { type Compressed, ENCODING } from '../transport/grpc/compression.js';
import { SendQueue } from '../transport/grpc/send-queue.js';
import { PREVIOUS_ATTEMPTS, readPreviousAttempts } from '../transport/retry-metadata.js';
import type { ReceivedWireCall } from '../transport/transport.js';
import { Answer, forEachIn, type GrpcOptions, type OpenedStream, sendFailure, valuesIn } from './answer.js';
import { noteArrival, readArrival } from './arrival.js';
import { MAX_RECEIVE_MS, MAX_UNFINISHED } from './limits.js';
import {
  type Connection,
  checkPrefix,
  costOf,
  inflate,
  type Message,
  OnlyRequest,
  type RequestRules,
  RequestStream,
  tooManyOpen,
} from './requests.js';

/** One call in flight on a server. */
export interface CallInFlight extends InFlightMember {
  /** Whether only the caller, or an abort, can end it: a response stream without a deadline. */
  readonly endless: boolean;
  /** Ends the call from the server's side with `reason`. */
  abort(reason: RpcError): void;
}

/** What the headers of a call say. */
interface Begun {
  readonly opened: OpenedStream;
  readonly method: Pick<Method, 'path' | 'requestStream' | 'responseStream' | 'policy'>;
  readonly timeoutMs: number | undefined;
  /** The memory of the headers. Bytes. */
  readonly headerBytes: number;
}

/** A gRPC call on its stream of HTTP/2. It is the source of its own metadata, which is read only when it is needed. */
export class GrpcCall implements ReceivedWireCall, MetadataSource, CallInFlight, RequestRules {
  slot = -1;
  readonly path: string;
  readonly peer: string;
  readonly identity: string | undefined;
  readonly received: ReceivedAssertion | undefined;
  readonly responseStream: boolean;
  readonly metadata = Metadata.over(this);
  readonly deadline: number | undefined;
  readonly context = new CallContext();
  readonly request: Payload<Uint8Array>;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #connection: Connection;
  readonly #options: GrpcOptions;
  readonly #answer: Answer;
  readonly #timeoutMs: number | undefined;
  /** What the contract allows the call. */
  readonly #allowedMs: number;
  readonly #compressed: Compressed;
  readonly #headerBytes: number;
  /** What it counts as an open call. Bytes. */
  #openBytes = 0;
  /** The request that is read before the call is handled; undefined for a stream of requests. */
  readonly #only: OnlyRequest | undefined;
  readonly #requests: RequestStream | undefined;
  #replies: SendQueue | undefined;
  /** Its part of what the connection's unfinished requests hold. */
  #unfinishedBytes = 0;
  /** Until its request has come, if its deadline is later than that may be. */
  #receiving: Timer | undefined;
  /** Whether its client has ended the request. */
  #received = false;
  /** Whether its handler runs, or has run. */
  #begun = false;

  constructor({ opened, method, timeoutMs, headerBytes }: Begun, options: GrpcOptions) {
    const { stream, headers, connection } = opened;
    this.path = method.path;
    this.peer = connection.address;
    this.identity = connection.client?.identity;
    const certificate = connection.client?.certificate;
    const [assertion] = certificate === undefined ? [] : valuesIn(headers, PRINCIPAL);
    if (certificate !== undefined && typeof assertion === 'string') this.received = { assertion, certificate };
    this.responseStream = method.responseStream;
    this.deadline = timeoutMs === undefined ? undefined : options.clock.now() + timeoutMs;
    this.#stream = stream;
    this.#headers = headers;
    this.#connection = connection;
    this.#options = options;
    this.#answer = new Answer(stream, options.clock);
    this.#timeoutMs = timeoutMs;
    this.#headerBytes = headerBytes;
    this.#allowedMs = method.policy.timeoutMs ?? Number.POSITIVE_INFINITY;
    this.#compressed = { encoding: headers[ENCODING], maxBytes: options.maxRequestBytes };
    if (headers[TIMING_REQUEST] !== undefined) noteArrival(headers);
    if (method.requestStream) {
      this.#requests = new RequestStream(stream, this);
      this.request = { stream: true, messages: this.#requests };
    } else {
      this.#only = new OnlyRequest(this);
      this.request = this.#only;
    }
  }

  get endless(): boolean {
    return this.responseStream && this.deadline === undefined && this.#allowedMs === Number.POSITIVE_INFINITY;
  }

  get previousAttempts(): number | undefined {
    return readPreviousAttempts(this.getAll(PREVIOUS_ATTEMPTS)[0]);
  }

  get arrival(): RequestArrival | undefined {
    const [noted] = this.getAll(TIMING_REQUEST);
    return noted === undefined ? undefined : readArrival(noted);
  }

  getAll(key: string): readonly MetadataValue[] {
    return valuesIn(this.#headers, key);
  }

  forEach(visit: (key: string, value: MetadataValue) => void): void {
    forEachIn(this.#headers, visit);
  }

  /** Reads the request by the call's deadline, or within a bound, and has the call handled. `end` runs when its stream has closed. */
  receive(end: () => void): void {
    const { context, deadline = Number.POSITIVE_INFINITY } = this;
    const { clock } = this.#options;
    listen(this.#stream, this, end);
    context.onEnd(this.#onEarlyEnd);
    if (!this.#keep(0)) return;
    const now = clock.now();
    const allowed = now + this.#allowedMs;
    const endsAt = Math.min(deadline, allowed);
    if (endsAt < Number.POSITIVE_INFINITY) context.endAt(endsAt, clock, deadline <= allowed ? 'caller' : 'contract');
    if (this.#requests === undefined && endsAt - now > MAX_RECEIVE_MS)
      this.#receiving = clock.setTimer(MAX_RECEIVE_MS, () => context.end(tooSlow()), { keepAlive: false });
    if (this.#requests !== undefined && this.#answer.isOpen) this.#handle();
  }

  /** Has the call of a method that isn't served refused. Its request isn't read. */
  refuse(): void {
    listen(this.#stream, this, ignore);
    this.#handle();
  }

  abort(reason: RpcError): void {
    this.context.end(reason);
  }

  /** Sends the response's header at once. Further ones are ignored. */
  sendHeader(header: Metadata): void {
    this.#answer.respond(header);
  }

  checkPrefix(flags: number, length: number): void {
    checkPrefix(flags, length, this.#compressed);
  }

  hold(bytes: number): void {
    // A handler may still read the requests of a call that has ended.
    if (bytes === this.#unfinishedBytes || this.#answer.settled) return;
    const more = bytes - this.#unfinishedBytes;
    this.#unfinishedBytes = bytes;
    if (this.#connection.hold(more)) return;
    const most = MAX_UNFINISHED * this.#options.maxRequestBytes;
    throw serverErrors.TOO_MUCH_AT_ONCE({ most }, { handled: 'never' });
  }

  decompressed({ flags, data }: Message): Buffer | Promise<Buffer> {
    if (flags === 0) return data;
    return this.#options.decompressions.run(() => this.inflate(data), this.context.signal, this.#connection.network);
  }

  inflate(data: Buffer): Promise<Buffer> {
    return inflate(data, this.#compressed);
  }

  async checkEnd(whole: boolean): Promise<void> {
    // When a Node client cancels, it ends its HTTP/2 stream first, and resets it one turn of its event loop later.
    await this.#connection.caughtUp();
    // A handler reads it from its requests; its client has left.
    if (this.#stream.aborted || this.#stream.destroyed) throw this.reasonOfClose();
    if (!whole) throw serverErrors.REQUESTS_CUT_OFF();
  }

  reasonOfClose(): RpcError {
    return this.context.reason ?? cancelled();
  }

  /** A part of the only request has come. */
  onData(chunk: Buffer): void {
    if (this.#answer.settled || this.#begun || this.#only === undefined) return;
    try {
      this.#only.read(chunk);
    } catch (fault) {
      this.#refuse(fault);
    }
  }

  /** The client has ended its request. Node reports this of a stream that was reset, too: {@link GrpcCall.onClose} ends that. */
  onEnd(): void {
    if (!this.#answer.isOpen) return;
    this.#received = true;
    this.#requests?.end('by client');
    if (this.#only === undefined || this.#begun) return;
    try {
      const opening = this.#only.open();
      if (opening === undefined) {
        this.#handle();
        return;
      }
      opening.then(
        () => {
          // The call can have ended meanwhile.
          if (this.#answer.isOpen) this.#handle();
        },
        (fault) => this.#refuse(fault),
      );
    } catch (fault) {
      this.#refuse(fault);
    }
  }

  onClose(): void {
    this.#stopReceiving();
    this.#connection.keep(-this.#openBytes);
    this.#openBytes = 0;
    if (!this.#answer.settled && (this.#begun || this.#received)) {
      this.#answer.close();
      // Until then its replies wait for room: a handler that sends without end would never let the event loop go on.
      this.#options.ends.run(this.#connection.network, () => {
        this.context.end(this.#reasonOfEnd());
        this.#requests?.end('closed');
      });
      return;
    }
    // The reason isn't read, and an attacker may reset thousands of streams: an error would double the cost of each.
    if (!this.#answer.settled) this.context.release();
    this.#answer.close();
    this.#replies?.close();
    this.#requests?.end('closed');
  }

  /** The call ends before its handler runs. */
  readonly #onEarlyEnd = (): void => {
    const { reason } = this.context;
    if (reason === undefined) return;
    // Its caller may try again: no handler has run.
    const { code, message, retryPushbackMs } = reason;
    this.#fail(new RouterError(code, message, { handled: 'never', retryPushbackMs }));
  };

  /** Counts as an open call with such a request. False, and it has failed, if its client has too many. */
  #keep(requestBytes: number): boolean {
    const before = this.#openBytes;
    this.#openBytes = costOf(this.#headerBytes + requestBytes);
    const isTaken = this.#connection.keep(this.#openBytes - before);
    if (!isTaken) this.#refuse(tooManyOpen());
    return isTaken;
  }

  #handle(): void {
    if (this.#only !== undefined && !this.#keep(this.#only.message.length)) return;
    this.#begun = true;
    this.context.offEnd(this.#onEarlyEnd);
    this.#stopReceiving();
    this.#options.handle(this).then(
      (reply) => this.#send(reply),
      (fault) => this.#fail(fault),
    );
  }

  #send(reply: Reply<Uint8Array>): void {
    this.#only?.drop();
    const { header, trailer, response } = reply;
    try {
      if (response.stream) {
        this.#sendEach(reply, response.messages[Symbol.asyncIterator]()).catch((fault) => this.#failToSend(fault));
        return;
      }
      this.#answer.succeed(header, trailer, response.message);
      this.#leaveRequest();
    } catch (fault) {
      this.#failToSend(fault);
    }
  }

  #failToSend(fault: unknown): void {
    this.#fail(sendFailure(fault, this, this.#options.logger));
  }

  /** No `for await`, which would keep a long message while the connection takes it. */
  async #sendEach({ header, trailer }: Reply<Uint8Array>, messages: AsyncIterator<Uint8Array>): Promise<void> {
    const replies = new SendQueue((together, taken) => this.#answer.write(together, taken));
    this.#replies = replies;
    this.context.onEnd(() => {
      replies.flush();
      replies.close();
    });
    let step = await messages.next();
    try {
      this.#answer.respond(header);
    } catch (fault) {
      await messages.return?.();
      throw fault;
    }
    while (step.done !== true) {
      const full = replies.send(step.value);
      step = DROPPED;
      if (full !== undefined) await full;
      step = await messages.next();
    }
    replies.flush();
    this.#answer.succeed(header, trailer);
    this.#leaveRequest();
  }

  /** The request can't be read, or isn't wanted. */
  #refuse(fault: unknown): void {
    this.context.release();
    this.#fail(fault);
  }

  #fail(fault: unknown): void {
    if (this.#answer.settled) return;
    this.#only?.drop();
    this.#stopReceiving();
    this.#replies?.flush();
    this.#answer.fail(fault, this.path);
    this.#leaveRequest();
  }

  /** It no longer waits for its request, which has come, or isn't wanted. */
  #stopReceiving(): void {
    this.#receiving?.cancel();
    this.#connection.hold(-this.#unfinishedBytes);
    this.#unfinishedBytes = 0;
  }

  /** The call has ended, so the rest of the request isn't kept. */
  #leaveRequest(): void {
    if (this.#received) return;
    this.#requests?.leave();
    this.#stopReceiving();
  }

  /** Why a call ended whose client has gone: at the deadline clients reset calls, too. */
  #reasonOfEnd(): RpcError {
    const over = this.deadline !== undefined && this.#options.clock.now() >= this.deadline - EARLY_MS;
    return over ? deadlineExceeded(this.#timeoutMs ?? 0, 'caller') : cancelled();
  }
}

/**
 * Has a call hear of its stream. Once the stream has closed, its listeners hold nothing: Node's C++ has an object for each stream,
 * which refers to the stream. Until V8 collects its old generation, it treats that object as alive, so each collection of the young
 * generation copies all that the stream refers to. See ADR 0038.
 */
function listen(stream: ServerHttp2Stream, call: GrpcCall, end: () => void): void {
  let heard: { readonly call: GrpcCall; readonly end: () => void } | undefined = { call, end };
  // What breaks a stream also closes it.
  stream.on('error', ignore);
  stream.on('end', () => heard?.call.onEnd());
  stream.on('close', () => {
    heard?.call.onClose();
    heard?.end();
    heard = undefined;
  });
  if (!call.request.stream) stream.on('data', (chunk: Buffer) => heard?.call.onData(chunk));
}

function ignore(): void {}

const DROPPED: IteratorResult<Uint8Array> = { done: true, value: undefined };

/** The time by which a timer may fire early. Milliseconds. */
const EARLY_MS = 1;

/** The error of a call whose request takes too long. */
function tooSlow(): RpcError {
  const maxMinutes = MAX_RECEIVE_MS / 60_000;
  return serverErrors.REQUEST_TOO_SLOW({ maxMinutes }, { retryPushbackMs: -1 });
}
