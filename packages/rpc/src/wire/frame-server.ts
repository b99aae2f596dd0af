import { TokenBucket } from '@rondo/base';
import { GoAway, Hello, Welcome } from '@rondo/contracts/rondo/frames/v1/frames';
import { cancelled } from '../call/call-context.js';
import type { Method } from '../contract/method.js';
import { serverErrors } from '../errors/server.js';
import type { ReceivedAssertion } from '../principal/verifier.js';
import type { RpcError } from '../status/rpc-error.js';
import { KnownAssertions } from '../transport/frames/assertions.js';
import { readAbout, readCall, readMessage, readRare } from '../transport/frames/frame-reader.js';
import { FrameSource } from '../transport/frames/frame-source.js';
import {
  type CallFrame,
  CONNECTION_WINDOW_BYTES,
  FRAMES_VERSION,
  FrameError,
  type FrameSocket,
  KIND,
  MAX_CALLS,
  MAX_METHODS,
  MAX_REQUEST_BYTES,
  MAX_UNANSWERED_BYTES,
  MESSAGE_COST,
  METHOD_PATH,
  PREFACE,
} from '../transport/frames/frames.js';
import { MAX_QUEUED_BYTES, Outbox } from '../transport/frames/outbox.js';
import { Advances, Window } from '../transport/frames/window.js';
import type { InFlight } from '../transport/grpc/active-calls.js';
import type { GrpcOptions } from './answer.js';
import { type CallConnection, type FrameConnection, FramedCall, tooMuch } from './framed-call.js';
import type { CallInFlight } from './grpc-call.js';
import { SERVICE_LIMITS } from './limits.js';
import { UnreadReplies } from './unread-replies.js';

/** How long a client has to read why its connection is closed. Milliseconds. */
const LINGER_MS = 2_000;

/** What the connections of a server share. */
export interface FrameServerOptions extends GrpcOptions {
  readonly methods: ReadonlyMap<unknown, Method>;
  /** The calls in flight of all connections. */
  readonly inFlight: InFlight<CallInFlight>;
}

/** The server's end of a connection of frames, without I/O: {@link receive} takes bytes, and its socket writes them. */
export class FrameServer {
  readonly #socket: FrameSocket;
  readonly #connection: FrameConnection;
  readonly #options: FrameServerOptions;
  readonly #outbox: Outbox;
  readonly #source: FrameSource;
  readonly #unread: UnreadReplies;
  /** What the calls have of this connection. */
  readonly #ofCalls: CallConnection;
  /** How many calls the client may cancel, as many as over HTTP/2: each has a handler begin for nothing. */
  readonly #cancels: TokenBucket;
  readonly #window = new Window(CONNECTION_WINDOW_BYTES, (bytes) => this.#outbox.sendCredit(0, bytes));
  /** What the client has said on whose behalf it calls; undefined if it has no certificate. */
  readonly #assertions: KnownAssertions<ReceivedAssertion> | undefined;
  /** Open calls by id. */
  readonly #calls: (FramedCall | undefined)[] = [];
  readonly #methods = new KnownMethods();
  readonly #preface = new Preface();
  #open = 0;
  /** What the requests in the first frames of open calls have together. */
  #unansweredBytes = 0;
  /** What the connection holds of assertions, and of a frame that isn't complete. */
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
    this.#outbox = new Outbox(socket, () => {
      this.#unread.hasRead = true;
      this.#source.resume();
    });
    const { clock } = options;
    this.#unread = new UnreadReplies(this.#outbox, {
      clock,
      onStall: (bytes) => this.#breakOff(serverErrors.UNREAD_REPLIES({ bytes })),
    });
    this.#ofCalls = {
      from: connection,
      options,
      outbox: this.#outbox,
      window: this.#window,
      advances: new Advances(),
      inFlight: options.inFlight,
      unread: this.#unread,
      onEnd: this.#forget,
    };
    const { resetsAtOnce: burst, resetsPerSecond } = SERVICE_LIMITS;
    this.#cancels = new TokenBucket({ clock, burst, intervalMs: 1_000 / resetsPerSecond });
    this.#source = new FrameSource({
      socket,
      onFrame: this.#onFrame,
      outbox: this.#outbox,
      onFault: (fault) => this.#breakOff(serverErrors.UNREADABLE_FRAMES({ reason: fault.message })),
    });
  }

  /** Whether the client has said hello. */
  get isWelcome(): boolean {
    return this.#welcomed;
  }

  /** Takes bytes from the client. */
  readonly receive = (chunk: Buffer): void => {
    if (this.#over) return;
    const rest = this.#preface.isRead ? chunk : this.#preface.take(chunk);
    if (rest === undefined) this.#socket.destroy();
    else if (rest.length > 0) this.#source.push(rest);
    if (!this.#over) this.#hold(this.#source.heldBytes + (this.#assertions?.heldBytes ?? 0));
  };

  /** The socket has closed: no caller waits for the replies. */
  closed(): void {
    this.#abandon();
    this.#outbox.close();
  }

  #abandon(): void {
    this.#over = true;
    this.#unread.close();
    this.#source.close();
    this.#hold(0);
    for (const call of [...this.#calls]) {
      if (call !== undefined) this.#options.ends.run(this.#connection.network, () => this.#abandonCall(call));
    }
  }

  #abandonCall(call: FramedCall): void {
    if (call.ended) return;
    this.#forget(call);
    call.outgoing?.drop();
    call.context.end(cancelled());
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
    const { hasRead } = this.#unread;
    this.#unread.hasRead = false;
    if (this.#outbox.queuedBytes > MAX_QUEUED_BYTES && hasRead) return false;
    this.#outbox.ping();
    return true;
  }

  readonly #onFrame = (kind: number, body: Buffer): void => {
    if (!this.#welcomed && kind !== KIND.hello) throw new FrameError('the first frame must be hello');
    if (kind === KIND.call) this.#onCall(readCall(body), body.length);
    else if (kind === KIND.message) this.#onMessage(body);
    else if (kind === KIND.halfClose) this.#calls[readAbout(body).id]?.halfClose();
    else if (kind === KIND.credit) this.#onCredit(body);
    else if (kind === KIND.cancel) this.#onCancel(readAbout(body).id);
    else if (kind === KIND.ping) this.#outbox.pong();
    else if (kind === KIND.hello) this.#onHello(readRare(Hello, body));
    else if (kind !== KIND.pong) throw new FrameError(`a client sends no frame of the kind ${kind}`);
  };

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

  #onCall(frame: CallFrame, frameBytes: number): void {
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
    const { methods, inFlight } = this.#options;
    const method = methods.get(path);
    const call = new FramedCall(frame, { path, method, received }, this.#ofCalls);
    this.#calls[id] = call;
    this.#open += 1;
    this.#unansweredBytes += bytes;
    inFlight.add(call);
    call.receive(frame, frameBytes);
  }

  #onMessage(body: Buffer): void {
    const frame = readMessage(body);
    const cost = frame.data.length + MESSAGE_COST;
    this.#window.take(cost);
    const call = this.#calls[frame.id];
    // If it has ended, its client doesn't know that yet.
    if (call === undefined) this.#window.give(cost);
    else call.takeMessage(frame);
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
    call.fail(cancelled());
    if (!this.#cancels.take())
      this.#breakOff(serverErrors.TOO_MANY_CANCELLED({ most: SERVICE_LIMITS.resetsPerSecond }));
  }

  #goAway(reason = ''): void {
    this.#outbox.sendRare(KIND.goAway, GoAway.encode({ accepted: this.#accepted, reason }).finish());
  }

  #hold(bytes: number): void {
    const more = bytes - this.#heldBytes;
    this.#heldBytes = bytes;
    if (more !== 0 && !this.#connection.hold(more)) this.#breakOff(tooMuch(this.#options));
  }

  /** Closes the connection because of what its client does. */
  #breakOff({ message }: RpcError): void {
    if (this.#over) return;
    this.#goAway(message);
    this.#abandon();
    const socket = this.#socket;
    this.#outbox.finish(() => socket.end());
    this.#options.clock.setTimer(LINGER_MS, () => socket.destroy(), { keepAlive: false });
  }

  readonly #forget = (call: FramedCall): void => {
    call.release();
    this.#calls[call.id] = undefined;
    this.#open -= 1;
    this.#unansweredBytes -= call.requestBytes;
    this.#endIfDone();
  };

  /** The connection closes after the last reply. */
  #endIfDone(): void {
    if (this.#open > 0 || !this.#draining || this.#over) return;
    this.#outbox.finish(() => this.#socket.end());
  }
}

/** The beginning of a connection, as a server reads it. */
class Preface {
  #bytes = 0;
  isRead = false;

  /** What of a chunk comes after the preface; undefined if the client doesn't begin by it. */
  take(chunk: Buffer): Buffer | undefined {
    const from = this.#bytes;
    const part = chunk.subarray(0, PREFACE.length - from);
    if (PREFACE.compare(part, 0, part.length, from, from + part.length) !== 0) return undefined;
    this.#bytes += part.length;
    this.isRead = this.#bytes === PREFACE.length;
    return chunk.subarray(part.length);
  }
}

/** The methods that a client has called on a connection, by the numbers that it has given them. */
class KnownMethods {
  readonly #paths: string[] = [];

  /** The path of a call's method; remembers it if it is new. @throws FrameError if the number or the path is wrong. */
  pathOf({ method, path }: CallFrame): string {
    const known = this.#paths[method];
    if (known !== undefined && path === '') return known;
    if (method !== this.#paths.length || path === '') {
      throw new FrameError(`the number of a method is wrong: ${method}`);
    }
    if (!METHOD_PATH.test(path))
      throw new FrameError('the path of a method has at most 256 printable characters without spaces');
    if (method >= MAX_METHODS) throw new FrameError(`a connection calls at most ${MAX_METHODS} methods`);
    this.#paths.push(path);
    return path;
  }
}
