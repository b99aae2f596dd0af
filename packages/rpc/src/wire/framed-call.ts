import type { Timer } from '@rondo/base';
import type { Payload, Reply } from '../call/call.js';
import { CallContext, cancelled } from '../call/call-context.js';
import type { Metadata } from '../call/metadata.js';
import type { Method } from '../contract/method.js';
import { serverErrors } from '../errors/server.js';
import type { ReceivedAssertion } from '../principal/verifier.js';
import { encodeStatusDetails } from '../status/detail.js';
import { RpcError } from '../status/rpc-error.js';
import { RouterError } from '../status/wire-errors.js';
import {
  type CallFrame,
  type EndFrame,
  FrameError,
  type MessageFrame,
  PIECE_BYTES,
} from '../transport/frames/frames.js';
import { type Outbox, Outgoing } from '../transport/frames/outbox.js';
import { type MessageRules, ReceivedMessages } from '../transport/frames/received-messages.js';
import type { Advances, Window } from '../transport/frames/window.js';
import type { InFlight } from '../transport/grpc/active-calls.js';
import { formatRetryPushback } from '../transport/retry-metadata.js';
import { notHandledMark } from '../transport/router-error.js';
import type { ReceivedWireCall } from '../transport/transport.js';
import { type GrpcOptions, sendFailure } from './answer.js';
import type { CallInFlight } from './grpc-call.js';
import { MAX_RECEIVE_MS, MAX_UNFINISHED } from './limits.js';
import { type Connection, costOf, inflate, tooManyOpen } from './requests.js';
import type { UnreadReplies } from './unread-replies.js';

/** What a server's end of frames needs of its connection. */
export type FrameConnection = Pick<Connection, 'address' | 'network' | 'client' | 'hold' | 'keep'>;

/** What the calls of a connection need of it. */
export interface CallConnection {
  readonly from: FrameConnection;
  readonly options: GrpcOptions;
  readonly outbox: Outbox;
  /** The window of the connection. */
  readonly window: Window;
  readonly advances: Advances;
  readonly inFlight: InFlight<CallInFlight>;
  readonly unread: UnreadReplies;
  /** Runs when a call has got its end. */
  readonly onEnd: (call: FramedCall) => void;
}

/** What else is known of a call. */
interface CallFacts {
  readonly path: string;
  /** Undefined if it isn't served. */
  readonly method: Method | undefined;
  readonly received: ReceivedAssertion | undefined;
}

/** A call as it came in frames, and its replies. */
export class FramedCall implements ReceivedWireCall, CallInFlight {
  readonly id: number;
  readonly path: string;
  readonly responseStream: boolean;
  readonly metadata: Metadata;
  readonly deadline: number | undefined;
  readonly context = new CallContext();
  readonly peer: string;
  readonly identity: string | undefined;
  readonly received: ReceivedAssertion | undefined;
  readonly previousAttempts: number | undefined;
  /** Whether only its caller, or an abort, can end it. */
  readonly endless: boolean;
  /** The length of its request, if it came in the first frame. Bytes. */
  readonly requestBytes: number;
  request: Payload<Uint8Array>;
  /** Its place among the calls in flight. */
  slot = -1;
  /** Its replies, if they don't stand in its last frame. */
  outgoing: Outgoing | undefined;
  /** Whether it has got its end. */
  ended = false;
  readonly #connection: CallConnection;
  readonly #method: Method | undefined;
  /** The requests that come in messages. */
  #requests: ReceivedMessages | undefined;
  /** The memory of a request that hasn't come whole. Bytes. */
  #heldBytes = 0;
  /** Its first frame, and what it counts as an open call. Bytes. */
  #frameBytes = 0;
  #openBytes = 0;
  /** Runs until its only request has come. */
  #receiving: Timer | undefined;
  #headerSent = false;

  constructor(
    { id, timeoutMs, previousAttempts, metadata, message = NO_BYTES }: CallFrame,
    { path, method, received }: CallFacts,
    connection: CallConnection,
  ) {
    const { address, client } = connection.from;
    const allowedMs = method?.policy.timeoutMs;
    this.id = id;
    this.path = path;
    this.responseStream = method?.responseStream ?? false;
    this.metadata = metadata;
    this.previousAttempts = previousAttempts;
    this.deadline = timeoutMs === undefined ? undefined : connection.options.clock.now() + timeoutMs;
    this.endless = this.responseStream && timeoutMs === undefined && allowedMs === undefined;
    this.requestBytes = message.length;
    this.request = { stream: false, message };
    this.peer = address;
    this.identity = client?.identity;
    this.received = received;
    this.#connection = connection;
    this.#method = method;
  }

  abort(reason: RpcError): void {
    this.context.end(reason);
  }

  /** Has it handled once its request has come. Its first frame has so many bytes. */
  receive({ message, compressed }: CallFrame, frameBytes: number): void {
    const isStream = this.#method?.requestStream === true;
    this.#frameBytes = frameBytes;
    if (!this.#keep(0)) return;
    const { maxRequestBytes } = this.#connection.options;
    if (message !== undefined && message.length > maxRequestBytes) {
      this.fail(serverErrors.REQUEST_TOO_LONG({ bytes: message.length, maxBytes: maxRequestBytes }));
      return;
    }
    if (message !== undefined && !compressed && !isStream) {
      this.#handle();
      return;
    }
    const requests = new ReceivedMessages(this.#rules());
    this.#requests = requests;
    this.#limit(isStream);
    if (message !== undefined) {
      requests.add(message, compressed);
      requests.end();
    }
    if (isStream) this.request = { stream: true, messages: requests };
    // The router answers calls of methods that aren't served.
    if (isStream || this.#method === undefined) this.#handle();
    else if (message !== undefined) this.#handleOnly(requests);
  }

  /** Takes a request, or a piece of one. @throws FrameError if it breaks the rules of frames. */
  takeMessage(frame: MessageFrame): void {
    const requests = this.#requests;
    if (requests === undefined) throw new FrameError(`a request after the half-close of the call ${this.id}`);
    try {
      requests.take(frame);
      if (this.#receiving !== undefined && requests.waiting > 1) throw serverErrors.SECOND_REQUEST();
      this.#hold(requests.heldBytes);
    } catch (fault) {
      if (!(fault instanceof RpcError)) throw fault;
      // A handler that runs gets it with its requests.
      if (this.#receiving === undefined) requests.end(fault);
      else this.fail(fault);
    }
  }

  /** No more requests come. @throws FrameError if one is incomplete. */
  halfClose(): void {
    const requests = this.#requests;
    if (requests === undefined || requests.isCut)
      throw new FrameError(`a half-close of the call ${this.id} out of turn`);
    requests.end();
    if (this.#receiving !== undefined) this.#handleOnly(requests);
  }

  /** Lets go of what it holds: it has got its end, or its connection has closed. */
  release(): void {
    this.ended = true;
    this.#connection.inFlight.delete(this);
    this.#connection.from.keep(-this.#openBytes);
    this.#receiving?.cancel();
    this.context.release();
    this.#requests?.end(cancelled());
    this.#requests?.release();
    if (this.#heldBytes > 0) this.#connection.from.hold(-this.#heldBytes);
    this.#heldBytes = 0;
  }

  /** Sets its deadline while its request hasn't come, or bounds at least the time until it has. */
  #limit(isStream: boolean): void {
    const { context, deadline = Number.POSITIVE_INFINITY } = this;
    const { clock } = this.#connection.options;
    const allowed = clock.now() + (this.#method?.policy.timeoutMs ?? Number.POSITIVE_INFINITY);
    const endsAt = Math.min(deadline, allowed);
    if (endsAt < Number.POSITIVE_INFINITY) context.endAt(endsAt, clock, deadline <= allowed ? 'caller' : 'contract');
    if (isStream) return;
    const maxMinutes = MAX_RECEIVE_MS / 60_000;
    const tooSlow = () => serverErrors.REQUEST_TOO_SLOW({ maxMinutes }, { retryPushbackMs: -1 });
    this.#receiving = clock.setTimer(MAX_RECEIVE_MS, () => context.end(tooSlow()), { keepAlive: false });
    context.onEnd(() => {
      if (this.#receiving === undefined || context.reason === undefined) return;
      // Its caller may try again: no handler has run.
      const { code, message, retryPushbackMs } = context.reason;
      this.fail(new RouterError(code, message, { handled: 'never', retryPushbackMs }));
    });
  }

  /** Has it handled when its only request has come. */
  #handleOnly(requests: ReceivedMessages): void {
    requests.next().then(
      ({ value }) => {
        if (this.ended) return;
        this.#receiving?.cancel();
        this.#receiving = undefined;
        if (value === undefined) {
          this.fail(serverErrors.NO_REQUEST());
          return;
        }
        this.request = { stream: false, message: value };
        if (this.#keep(value.length)) this.#handle();
      },
      (fault) => this.fail(fault),
    );
  }

  /** Counts as an open call with such a request. False, and it has failed, if its client has too many. */
  #keep(requestBytes: number): boolean {
    const before = this.#openBytes;
    this.#openBytes = costOf(this.#frameBytes + requestBytes);
    const isTaken = this.#connection.from.keep(this.#openBytes - before);
    if (!isTaken) this.fail(tooManyOpen());
    return isTaken;
  }

  #handle(): void {
    this.#connection.options.handle(this).then(
      (reply) => this.#reply(reply),
      (fault) => this.fail(fault),
    );
  }

  #rules(): MessageRules {
    const { from, options, outbox, window, advances } = this.#connection;
    const { maxRequestBytes: maxBytes, decompressions } = options;
    return {
      maxBytes,
      tooLong: (bytes) => serverErrors.REQUEST_TOO_LONG({ bytes, maxBytes }),
      inflate: (message) =>
        decompressions.run(
          () => inflate(Buffer.from(message), { encoding: 'gzip', maxBytes }),
          this.context.signal,
          from.network,
        ),
      advances,
      credit: (bytes) => outbox.sendCredit(this.id, bytes),
      give: (bytes) => window.give(bytes),
      leave: () => undefined,
    };
  }

  #hold(bytes: number): void {
    const { from, options } = this.#connection;
    const more = bytes - this.#heldBytes;
    this.#heldBytes = bytes;
    if (more !== 0 && !from.hold(more)) throw tooMuch(options);
  }

  /** Sends its header at once. Further ones are ignored. @throws TypeError if it can't be sent. */
  sendHeader(header: Metadata): void {
    if (this.#headerSent || this.ended) return;
    header.checkSendable();
    this.#headerSent = true;
    const { outbox } = this.#connection;
    outbox.writer.header(this.id, header);
    outbox.send();
  }

  #reply(reply: Reply<Uint8Array>): void {
    const { response } = reply;
    try {
      if (!response.stream) this.#sendOnly(reply, response.message);
      else this.#sendEach(reply, response.messages[Symbol.asyncIterator]()).catch((fault) => this.#failToSend(fault));
    } catch (fault) {
      this.#failToSend(fault);
    }
  }

  /** Ends it with a status, after the replies that it has sent. The router has made sure that the status can be sent. */
  fail(fault: unknown): void {
    if (this.ended) return;
    const error = fault instanceof RpcError ? fault : serverErrors.SERVER_FAILED({ cause: fault });
    const failure = {
      code: error.code,
      message: error.message,
      details: encodeStatusDetails(error),
      notHandled: notHandledMark(error, this.path),
      retryPushback: error.retryPushbackMs === undefined ? undefined : formatRetryPushback(error.retryPushbackMs),
    };
    const end = () => this.#end({ message: undefined, header: error.header, trailer: error.metadata, failure });
    if (this.outgoing === undefined) end();
    else this.outgoing.finish(end);
  }

  #sendOnly({ header, trailer }: Reply<Uint8Array>, message: Uint8Array): void {
    if (this.ended) return;
    header.checkSendable();
    trailer.checkSendable();
    if (message.length <= PIECE_BYTES) {
      this.#end({ message, header, trailer, failure: undefined });
      return;
    }
    const outgoing = new Outgoing(this.id, this.#connection.outbox);
    this.outgoing = outgoing;
    void outgoing.send(message);
    outgoing.finish(() => this.#end({ message: undefined, header, trailer, failure: undefined }));
    this.#connection.unread.check();
  }

  /** No `for await`, which would keep a long message while the connection takes it. */
  async #sendEach({ header, trailer }: Reply<Uint8Array>, messages: AsyncIterator<Uint8Array>): Promise<void> {
    const outgoing = new Outgoing(this.id, this.#connection.outbox);
    let step = await messages.next();
    try {
      if (!header.isEmpty && step.done !== true) this.sendHeader(header);
    } catch (fault) {
      await messages.return?.();
      throw fault;
    }
    if (this.ended) outgoing.drop();
    else this.outgoing = outgoing;
    while (step.done !== true) {
      const full = outgoing.send(step.value);
      step = DROPPED;
      if (full !== undefined) await full;
      step = await messages.next();
    }
    header.checkSendable();
    trailer.checkSendable();
    outgoing.finish(() => this.#end({ message: undefined, header, trailer, failure: undefined }));
  }

  #failToSend(fault: unknown): void {
    this.fail(sendFailure(fault, this, this.#connection.options.logger));
  }

  #end({ message, header, trailer, failure }: Omit<EndFrame, 'id'>): void {
    if (this.ended) return;
    const { outbox, unread, onEnd } = this.#connection;
    outbox.writer.end({ id: this.id, message, header: this.#headerSent ? undefined : header, trailer, failure });
    outbox.send();
    onEnd(this);
    unread.check();
  }
}

/** The error of a client whose unfinished requests hold too much. */
export function tooMuch({ maxRequestBytes }: Pick<GrpcOptions, 'maxRequestBytes'>): RpcError {
  return serverErrors.TOO_MUCH_AT_ONCE({ most: MAX_UNFINISHED * maxRequestBytes }, { handled: 'never' });
}

const NO_BYTES = Buffer.alloc(0);
const DROPPED: IteratorResult<Uint8Array> = { done: true, value: undefined };
