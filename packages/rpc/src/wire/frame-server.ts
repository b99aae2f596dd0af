import { GoAway, Hello, Welcome } from '@rondo/contracts/rondo/frames/v1/frames';
import { cancelled } from '../call/call-context.js';
import type { Method } from '../contract/method.js';
import { serverErrors } from '../errors/server.js';
import type { ReceivedAssertion } from '../principal/verifier.js';
import { RpcError } from '../status/rpc-error.js';
import { RouterError } from '../status/wire-errors.js';
import { KnownAssertions } from '../transport/frames/assertions.js';
import { readAbout, readCall, readMessage, readRare } from '../transport/frames/frame-reader.js';
import { FrameSource } from '../transport/frames/frame-source.js';
import {
  type CallFrame,
  CONNECTION_WINDOW_BYTES,
  FRAMES_VERSION,
  type FrameSocket,
  KIND,
  MAX_CALLS,
  MAX_REQUEST_BYTES,
  MAX_UNANSWERED_BYTES,
  MESSAGE_COST,
} from '../transport/frames/frames.js';
import { KnownMethods, Preface } from '../transport/frames/known.js';
import { MAX_QUEUED_BYTES, Outbox } from '../transport/frames/outbox.js';
import { type MessageRules, ReceivedMessages } from '../transport/frames/received-messages.js';
import { Advances, Window } from '../transport/frames/window.js';
import { FrameError } from '../transport/frames/wire-format.js';
import type { GrpcOptions } from './answer.js';
import { FrameReplies } from './frame-replies.js';
import { FramedCall } from './framed-call.js';
import type { CallInFlight } from './grpc-call.js';
import { MAX_RECEIVE_MS, MAX_UNFINISHED } from './limits.js';
import { type Connection, inflate } from './requests.js';

/** How long a client has to read why its connection is closed. Milliseconds. */
const LINGER_MS = 2_000;

/** What a server's end needs of its connection. */
export type FrameConnection = Pick<Connection, 'address' | 'network' | 'client' | 'hold'>;

/** What the connections of a server share. */
export interface FrameServerOptions extends GrpcOptions {
  readonly methods: ReadonlyMap<unknown, Method>;
  /** Runs when a call begins. The returned function runs when it has ended. */
  readonly begin: (call: CallInFlight) => () => void;
}

/** The server's end of a connection of frames, without I/O: {@link receive} takes bytes, and its socket writes them. */
export class FrameServer {
  readonly #socket: FrameSocket;
  readonly #connection: FrameConnection;
  readonly #options: FrameServerOptions;
  readonly #outbox: Outbox;
  readonly #source: FrameSource;
  readonly #replies: FrameReplies;
  readonly #window = new Window(CONNECTION_WINDOW_BYTES, (bytes) => this.#outbox.sendCredit(0, bytes));
  readonly #advances = new Advances();
  /** What the client has said on whose behalf it calls; undefined if it has no certificate. */
  readonly #assertions: KnownAssertions<ReceivedAssertion> | undefined;
  /** Open calls by id. */
  readonly #calls: (FramedCall | undefined)[] = [];
  readonly #methods = new KnownMethods();
  readonly #preface = new Preface();
  #open = 0;
  /** What the requests in the first frames of open calls have together. */
  #unansweredBytes = 0;
  /** What the connection holds of a frame that isn't complete. */
  #heldBytes = 0;
  /** How many calls were taken; it wraps at 2^32. */
  #accepted = 0;
  #welcomed = false;
  #draining = false;
  /** Whether the socket has closed, or is about to. */
  #over = false;

  constructor(socket: FrameSocket, connection: FrameConnection, options: FrameServerOptions) {
    this.#socket = socket;
    this.#connection = connection;
    this.#options = options;
    const { certificate } = connection.client ?? {};
    this.#assertions = certificate && new KnownAssertions((assertion) => ({ assertion, certificate }));
    this.#outbox = new Outbox(
      (batch, taken) => socket.write(batch, taken),
      () => {
        this.#replies.hasRead = true;
        this.#source.resume();
      },
    );
    this.#replies = new FrameReplies(this.#outbox, {
      clock: options.clock,
      logger: options.logger,
      onEnd: (call) => this.#forget(call),
      onStall: (bytes) => this.#breakOff(serverErrors.UNREAD_REPLIES({ bytes })),
    });
    this.#source = new FrameSource({
      socket,
      onFrame: (kind, body) => this.#onFrame(kind, body),
      mayRead: () => this.#outbox.sender.queuedBytes <= MAX_QUEUED_BYTES,
      onFault: (fault) => this.#breakOff(serverErrors.UNREADABLE_FRAMES({ reason: fault.message })),
    });
  }

  /** Whether the client has said hello. */
  get isWelcome(): boolean {
    return this.#welcomed;
  }

  /** Takes bytes from the client. */
  receive(chunk: Buffer): void {
    if (this.#over) return;
    const rest = this.#preface.take(chunk);
    if (rest === undefined) this.#socket.destroy();
    else if (rest.length > 0) this.#source.push(rest);
    if (!this.#over) this.#holdFrame(this.#source.heldBytes);
  }

  /** The socket has closed: no caller waits for the replies. */
  closed(): void {
    this.#abandon();
    this.#outbox.sender.close();
  }

  #abandon(): void {
    this.#over = true;
    this.#replies.close();
    this.#source.close();
    this.#holdFrame(0);
    for (const call of [...this.#calls]) {
      if (call === undefined) continue;
      this.#forget(call);
      call.outgoing?.drop();
      call.context.end(cancelled());
    }
  }

  /** Takes no more calls, and closes the connection once those that were taken have ended. */
  drain(): void {
    if (this.#over || this.#draining) return;
    this.#draining = true;
    if (this.#welcomed) this.#goAway();
    this.#endIfDone();
  }

  /** Asks the client for any bytes; false if it isn't read now, and takes what it is sent. */
  ping(): boolean {
    const { hasRead } = this.#replies;
    this.#replies.hasRead = false;
    if (this.#outbox.sender.queuedBytes > MAX_QUEUED_BYTES && hasRead) return false;
    this.#outbox.ping();
    return true;
  }

  #onFrame(kind: number, body: Buffer): void {
    if (!this.#welcomed && kind !== KIND.hello) throw new FrameError('the first frame must be hello');
    if (kind === KIND.call) this.#onCall(readCall(body));
    else if (kind === KIND.message) this.#onMessage(body);
    else if (kind === KIND.halfClose) this.#onHalfClose(readAbout(body).id);
    else if (kind === KIND.credit) this.#onCredit(body);
    else if (kind === KIND.cancel) this.#onCancel(readAbout(body).id);
    else if (kind === KIND.ping) this.#outbox.pong();
    else if (kind === KIND.hello) this.#onHello(readRare(Hello, body));
    else if (kind !== KIND.pong) throw new FrameError(`a client sends no frame of the kind ${kind}`);
  }

  #onHello({ version }: Hello): void {
    if (this.#welcomed) throw new FrameError('hello comes once');
    if (version < FRAMES_VERSION) throw new FrameError(`there is no version ${version} of frames`);
    this.#welcomed = true;
    const welcome = {
      version: FRAMES_VERSION,
      maxCalls: MAX_CALLS,
      maxRequestBytes: Math.min(MAX_REQUEST_BYTES, this.#options.maxRequestBytes),
      maxUnansweredBytes: MAX_UNANSWERED_BYTES,
    };
    this.#outbox.sendRare(KIND.welcome, Welcome.encode(welcome).finish());
    if (this.#draining) this.#goAway();
  }

  #onCall(frame: CallFrame): void {
    const path = this.#methods.pathOf(frame);
    const received = this.#assertions?.of(frame.principal ?? 0, frame.assertion);
    // The client knows that a call which came later than the last accepted one never ran.
    if (this.#draining) return;
    const { id, message } = frame;
    const bytes = message?.length ?? 0;
    if (id < 1 || id > MAX_CALLS) throw new FrameError(`the id of a call is from 1 to ${MAX_CALLS}; it is ${id}`);
    if (this.#calls[id] !== undefined) throw new FrameError(`there is an open call with the id ${id}`);
    if (bytes > MAX_REQUEST_BYTES)
      throw new FrameError(`the request in a call may have ${MAX_REQUEST_BYTES} bytes; it has ${bytes}`);
    if (this.#unansweredBytes + bytes > MAX_UNANSWERED_BYTES) {
      throw new FrameError(`the requests of open calls may have ${MAX_UNANSWERED_BYTES} bytes together`);
    }
    this.#accepted = (this.#accepted + 1) >>> 0;
    const { methods, clock, begin } = this.#options;
    const method = methods.get(path);
    const call = new FramedCall(frame, {
      path,
      method,
      connection: this.#connection,
      received,
      now: clock.now(),
      sendHeader: (one, header) => this.#replies.sendHeader(one, header),
    });
    this.#calls[id] = call;
    this.#open += 1;
    this.#unansweredBytes += bytes;
    call.end = begin(call);
    this.#receive(call, frame, method);
  }

  /** Has a call handled once its request has come. */
  #receive(call: FramedCall, { message, compressed }: CallFrame, method: Method | undefined): void {
    if (message !== undefined && message.length > this.#options.maxRequestBytes) {
      this.#replies.fail(call, this.#tooLong(message.length));
      return;
    }
    if (message !== undefined && !compressed && method?.requestStream !== true) {
      this.#handle(call);
      return;
    }
    const requests = new ReceivedMessages(this.#rulesOf(call));
    call.requests = requests;
    this.#limit(call, method?.requestStream !== true);
    if (message !== undefined) {
      requests.add(message, compressed);
      requests.end();
    }
    if (method?.requestStream === true) {
      call.request = { stream: true, messages: requests };
      this.#handle(call);
    } else if (method === undefined) this.#handle(call);
    else if (message !== undefined) this.#handleOnly(call, requests);
  }

  /** Sets the deadline of a call whose request hasn't come, or bounds at least the time until it has. */
  #limit(call: FramedCall, isOnly: boolean): void {
    const { context, deadline = Number.POSITIVE_INFINITY, allowedMs } = call;
    const { clock } = this.#options;
    const now = clock.now();
    const endsAt = Math.min(deadline, now + allowedMs);
    if (endsAt < Number.POSITIVE_INFINITY)
      context.endAt(endsAt, clock, deadline <= now + allowedMs ? 'caller' : 'contract');
    if (!isOnly) return;
    const maxMinutes = MAX_RECEIVE_MS / 60_000;
    const tooSlow = () => serverErrors.REQUEST_TOO_SLOW({ maxMinutes }, { retryPushbackMs: -1 });
    call.receiving = clock.setTimer(MAX_RECEIVE_MS, () => context.end(tooSlow()), { keepAlive: false });
    context.onEnd(() => {
      if (call.receiving === undefined || context.reason === undefined) return;
      // Its caller may try again: no handler has run.
      const { code, message, retryPushbackMs } = context.reason;
      this.#replies.fail(call, new RouterError(code, message, { handled: 'never', retryPushbackMs }));
    });
  }

  #onMessage(body: Buffer): void {
    const frame = readMessage(body);
    const cost = frame.data.length + MESSAGE_COST;
    this.#window.take(cost);
    const call = this.#calls[frame.id];
    const requests = call?.requests;
    if (call === undefined) {
      // It has ended, and its client doesn't know that yet.
      this.#window.give(cost);
      return;
    }
    if (requests === undefined) throw new FrameError(`a request after the half-close of the call ${frame.id}`);
    try {
      requests.take(frame);
      if (call.receiving !== undefined && requests.waiting > 1) throw serverErrors.SECOND_REQUEST();
      this.#hold(call, requests.heldBytes);
    } catch (fault) {
      if (!(fault instanceof RpcError)) throw fault;
      // A handler that runs gets it with its requests.
      if (call.receiving === undefined) requests.end(fault);
      else this.#replies.fail(call, fault);
    }
  }

  #onHalfClose(id: number): void {
    const call = this.#calls[id];
    const requests = call?.requests;
    if (call === undefined) return;
    if (requests === undefined || requests.isCut) throw new FrameError(`a half-close of the call ${id} out of turn`);
    requests.end();
    if (call.receiving !== undefined) this.#handleOnly(call, requests);
  }

  /** Has a call with one request handled. */
  #handleOnly(call: FramedCall, requests: ReceivedMessages): void {
    requests.next().then(
      ({ value }) => {
        if (call.ended) return;
        call.receiving?.cancel();
        call.receiving = undefined;
        if (value === undefined) {
          this.#replies.fail(call, serverErrors.NO_REQUEST());
          return;
        }
        call.request = { stream: false, message: value };
        this.#handle(call);
      },
      (fault) => this.#replies.fail(call, fault),
    );
  }

  #handle(call: FramedCall): void {
    this.#options.handle(call).then(
      (reply) => this.#replies.reply(call, reply),
      (fault) => this.#replies.fail(call, fault),
    );
  }

  #onCredit(body: Buffer): void {
    const { id, bytes } = readAbout(body);
    if (id === 0) this.#outbox.addCredit(bytes);
    else this.#calls[id]?.outgoing?.addCredit(bytes);
  }

  #onCancel(id: number): void {
    const call = this.#calls[id];
    if (call === undefined) return;
    call.outgoing?.drop();
    call.outgoing = undefined;
    call.context.end(cancelled());
    this.#replies.fail(call, cancelled());
  }

  #goAway(reason = ''): void {
    this.#outbox.sendRare(KIND.goAway, GoAway.encode({ accepted: this.#accepted, reason }).finish());
  }

  #rulesOf(call: FramedCall): MessageRules {
    const { maxRequestBytes: maxBytes, decompressions } = this.#options;
    return {
      maxBytes,
      tooLong: (bytes) => this.#tooLong(bytes),
      inflate: (message) =>
        decompressions.run(
          () => inflate(Buffer.from(message), { encoding: 'gzip', maxBytes }),
          call.context.signal,
          this.#connection.network,
        ),
      advances: this.#advances,
      credit: (bytes) => this.#outbox.sendCredit(call.id, bytes),
      give: (bytes) => this.#window.give(bytes),
      leave: () => undefined,
    };
  }

  #tooLong(bytes: number): RpcError {
    return serverErrors.REQUEST_TOO_LONG({ bytes, maxBytes: this.#options.maxRequestBytes });
  }

  #hold(call: FramedCall, bytes: number): void {
    const more = bytes - call.heldBytes;
    call.heldBytes = bytes;
    if (more !== 0 && !this.#connection.hold(more)) throw this.#tooMuch();
  }

  #holdFrame(bytes: number): void {
    const more = bytes - this.#heldBytes;
    this.#heldBytes = bytes;
    if (more !== 0 && !this.#connection.hold(more)) this.#breakOff(this.#tooMuch());
  }

  #tooMuch(): RpcError {
    const most = MAX_UNFINISHED * this.#options.maxRequestBytes;
    return serverErrors.TOO_MUCH_AT_ONCE({ most }, { handled: 'never' });
  }

  /** Closes the connection because of what its client does. */
  #breakOff({ message }: RpcError): void {
    if (this.#over) return;
    this.#goAway(message);
    this.#abandon();
    const socket = this.#socket;
    this.#outbox.sender.finish(() => socket.end());
    this.#options.clock.setTimer(LINGER_MS, () => socket.destroy(), { keepAlive: false });
  }

  #forget(call: FramedCall): void {
    call.ended = true;
    call.end();
    call.receiving?.cancel();
    call.receiving = undefined;
    call.requests?.end(cancelled());
    call.requests?.release();
    this.#connection.hold(-call.heldBytes);
    call.heldBytes = 0;
    this.#calls[call.id] = undefined;
    this.#open -= 1;
    this.#unansweredBytes -= call.requestBytes;
    this.#endIfDone();
  }

  /** The connection closes after the last reply. */
  #endIfDone(): void {
    if (this.#open > 0 || !this.#draining || this.#over) return;
    this.#outbox.sender.finish(() => this.#socket.end());
  }
}
