import type { Timer } from '@rondo/base';
import type { Reply } from '../../call/call.js';
import type { CallContext } from '../../call/call-context.js';
import { Metadata } from '../../call/metadata.js';
import { clientErrors } from '../../errors/client.js';
import { Status } from '../../status/code.js';
import { decodeStatusDetails } from '../../status/detail.js';
import type { RpcError } from '../../status/rpc-error.js';
import { readRetryPushback } from '../retry-metadata.js';
import { receivedError } from '../router-error.js';
import type { WireCall } from '../transport.js';
import { type EndFrame, type FailureFrame, FrameError, type MessageFrame } from './frames.js';
import type { Outbox, Outgoing } from './outbox.js';
import { type MessageRules, ReceivedMessages } from './received-messages.js';
import type { Advances, Window } from './window.js';

/** What the calls of a connection need of it. */
export interface OpenCallConnection {
  readonly maxReplyBytes: number;
  readonly outbox: Outbox;
  /** The window of the connection. */
  readonly window: Window;
  readonly advances: Advances;
  /** Runs when the reader of a call's replies leaves before their end. */
  readonly onLeft: (call: OpenCall) => void;
}

/** A call that the server hasn't ended yet. */
export class OpenCall {
  readonly id: number;
  /** Its place among all calls of the connection. */
  sequence = 0;
  readonly context: CallContext;
  /** The length of its request, if it is in its first frame. Bytes. */
  requestBytes = 0;
  /** Whether it has one request and one reply. */
  readonly unary: boolean;
  readonly reply: Promise<Reply<Uint8Array>>;
  /** The number of its first frame. */
  frame = 0;
  /** Whether its caller waits for it. */
  awaited: boolean;
  /** Runs when the context of the call ends. */
  onEnd: () => void = () => undefined;
  /** Keeps the process alive for a call without a deadline. */
  hold: Timer | undefined;
  /** Cancels the call if the server doesn't end it at its deadline. */
  backstop: Timer | undefined;
  /** The requests that don't stand in its first frame. */
  outgoing: Outgoing | undefined;
  /** Runs when the server takes no more requests. */
  stopRequests: (() => void) | undefined;
  readonly #path: string;
  readonly #streams: boolean;
  readonly #connection: OpenCallConnection;
  #resolve: (reply: Reply<Uint8Array>) => void = () => undefined;
  #reject: (error: RpcError) => void = () => undefined;
  #header: Metadata | undefined;
  readonly #trailer = new Metadata();
  #received: ReceivedMessages | undefined;
  /** Whether the call has an outcome. Later frames of the server are ignored. */
  #settled = false;

  constructor(id: number, wire: WireCall, connection: OpenCallConnection) {
    this.id = id;
    this.context = wire.context;
    this.unary = !wire.responseStream && !wire.request.stream;
    this.awaited = wire.background !== true;
    this.#path = wire.path;
    this.#streams = wire.responseStream;
    this.#connection = connection;
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Ends it, unless it has an outcome. Messages that have come can be read. */
  fail(error: RpcError): void {
    this.#settled = true;
    this.outgoing?.drop();
    this.stopRequests?.();
    this.#received?.end(error);
    this.#received?.release();
    this.#reject(error);
  }

  /** Takes its header. */
  takeHeader(header: Metadata | undefined): void {
    this.#header ??= header;
    if (this.#streams) this.#resolveStream();
  }

  /**
   * Takes a message, or a piece of one.
   *
   * @throws FrameError if it breaks the rules of frames; RpcError if the reply is too long, or one too many.
   */
  takeMessage(frame: MessageFrame): void {
    const received = this.#messages;
    if (this.#settled) received.end();
    received.take(frame);
    if (!this.#streams && received.waiting > 1) throw clientErrors.SECOND_REPLY();
    if (this.#streams) this.#resolveStream();
  }

  /**
   * Takes its end.
   *
   * @throws FrameError if a message is incomplete; RpcError if the last one is too long, or one too many.
   */
  takeEnd({ message, header, trailer, failure }: EndFrame): void {
    this.stopRequests?.();
    this.outgoing?.drop();
    if (this.#settled) return;
    this.#header ??= header;
    if (failure !== undefined) {
      this.fail(toError(failure, { path: this.#path, header: this.#header, metadata: trailer ?? new Metadata() }));
      return;
    }
    if (this.#received?.isCut === true) throw new FrameError(`the end of the call ${this.id} comes inside a message`);
    if (trailer !== undefined) this.#trailer.receive(trailer);
    if (this.#streams) this.#endStream(message);
    else this.#endSingle(message);
    this.#settled = true;
  }

  #endStream(message: Uint8Array | undefined): void {
    if (message !== undefined) this.#messages.add(message);
    this.#messages.end();
    this.#resolveStream();
  }

  #endSingle(last: Uint8Array | undefined): void {
    const received = this.#received;
    if (received === undefined) {
      if (last === undefined) throw clientErrors.NO_REPLY();
      if (last.length > this.#connection.maxReplyBytes) throw this.#tooLong(last.length);
      this.#resolve(this.#replyOf({ stream: false, message: last }));
      return;
    }
    if (last !== undefined && received.waiting > 0) throw clientErrors.SECOND_REPLY();
    if (last !== undefined) received.add(last);
    if (received.waiting === 0) throw clientErrors.NO_REPLY();
    received.end();
    received.next().then(
      ({ value }) => {
        if (value !== undefined) this.#resolve(this.#replyOf({ stream: false, message: value }));
      },
      (error) => this.#reject(error),
    );
  }

  get #messages(): ReceivedMessages {
    this.#received ??= new ReceivedMessages(this.#rules());
    return this.#received;
  }

  #rules(): MessageRules {
    const { maxReplyBytes, outbox, window, advances, onLeft } = this.#connection;
    return {
      maxBytes: maxReplyBytes,
      tooLong: (bytes) => this.#tooLong(bytes),
      inflate: () => Promise.reject(clientErrors.UNREADABLE_REPLY()),
      advances,
      credit: (bytes) => outbox.sendCredit(this.id, bytes),
      give: (bytes) => window.give(bytes),
      leave: () => onLeft(this),
    };
  }

  #tooLong(bytes: number): RpcError {
    return clientErrors.REPLY_TOO_LONG({ bytes, maxBytes: this.#connection.maxReplyBytes });
  }

  #resolveStream(): void {
    this.#resolve(this.#replyOf({ stream: true, messages: this.#messages }));
  }

  #replyOf(response: Reply<Uint8Array>['response']): Reply<Uint8Array> {
    return { header: this.#header ?? new Metadata(), trailer: this.#trailer, response };
  }
}

/** The open calls of a client's connection, by id. */
export class OpenCalls {
  readonly #connection: OpenCallConnection;
  /** 0 is the id of no call. */
  readonly #calls: (OpenCall | undefined)[] = [undefined];
  readonly #freeIds: number[] = [];
  #open = 0;
  /** How many calls were made; it wraps at 2^32. */
  #sequence = 0;
  /** What the requests in the first frames of open calls have together. Bytes. */
  unansweredBytes = 0;

  constructor(connection: OpenCallConnection) {
    this.#connection = connection;
  }

  /** Whether another call can begin, if `most` may be open. */
  hasId(most: number): boolean {
    return this.#freeIds.length > 0 || this.#calls.length <= most;
  }

  /** @param requestBytes the length of its request, if it is in its first frame. */
  begin(wire: WireCall, requestBytes: number): OpenCall {
    const id = this.#freeIds.pop() ?? this.#calls.length;
    this.#sequence = (this.#sequence + 1) >>> 0;
    const call = new OpenCall(id, wire, this.#connection);
    call.sequence = this.#sequence;
    call.requestBytes = requestBytes;
    this.#calls[id] = call;
    this.#open += 1;
    this.unansweredBytes += requestBytes;
    return call;
  }

  /** The call with an id that the server has sent. @throws FrameError if it isn't open. */
  of(id: number): OpenCall {
    const call = this.#calls[id];
    if (call === undefined) throw new FrameError(`a frame for a call that isn't open: ${id}`);
    return call;
  }

  has(call: OpenCall): boolean {
    return this.#calls[call.id] === call;
  }

  delete(call: OpenCall): void {
    this.#calls[call.id] = undefined;
    this.#freeIds.push(call.id);
    this.#open -= 1;
    this.unansweredBytes -= call.requestBytes;
  }

  /** The calls that are open now. */
  all(): readonly OpenCall[] {
    return this.#calls.filter((call) => call !== undefined);
  }

  /** The calls that a server hasn't taken which has taken so many. @throws FrameError if it can't have taken as many. */
  after(accepted: number): readonly OpenCall[] {
    const sent = this.#sequence;
    const ended = (sent - this.#open) >>> 0;
    if (((sent - accepted) | 0) < 0 || ((accepted - ended) | 0) < 0) {
      throw new FrameError(`go_away says that ${accepted} calls were taken; ${sent} were sent and ${ended} have ended`);
    }
    return this.all().filter(({ sequence }) => ((sequence - accepted) | 0) > 0);
  }
}

/** What else is known of a failed call. */
interface FailedCall {
  readonly path: string;
  readonly header: Metadata | undefined;
  readonly metadata: Metadata;
}

function toError({ code, message, details, notHandled, retryPushback }: FailureFrame, call: FailedCall): RpcError {
  const failed = code === Status.OK ? Status.UNKNOWN : code;
  const unpacked = details === undefined ? [] : decodeStatusDetails(details);
  const retryPushbackMs = readRetryPushback(retryPushback);
  return receivedError({ ...call, code: failed, message, details: unpacked, mark: notHandled, retryPushbackMs });
}
