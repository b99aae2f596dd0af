import type { Clock } from '@rondo/base';
import { GoAway, Hello, Welcome } from '@rondo/contracts/rondo/frames/v1/frames';
import type { Reply } from '../../call/call.js';
import type { CallContext } from '../../call/call-context.js';
import type { Compression } from '../../contract/policy.js';
import { transportErrors } from '../../errors/transport.js';
import { Status } from '../../status/code.js';
import { RpcError } from '../../status/rpc-error.js';
import { TransportError } from '../../status/wire-errors.js';
import { type ActiveCalls, holdProcess } from '../grpc/active-calls.js';
import type { WireCall } from '../transport.js';
import { SentAssertions } from './assertions.js';
import { readAbout, readEnd, readHeader, readMessage, readRare } from './frame-reader.js';
import { FrameSource } from './frame-source.js';
import {
  CONNECTION_WINDOW_BYTES,
  type EndFrame,
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
} from './frames.js';
import { type OpenCall, OpenCalls } from './open-call.js';
import { MAX_QUEUED_BYTES, Outbox } from './outbox.js';
import { compress, compresses, sendRequests } from './requests.js';
import { WaitingCalls } from './waiting-calls.js';
import { Advances, Window } from './window.js';

const MAX_TIMEOUT_MS = 2 ** 32 - 1;
/** After a call's deadline, how long the client waits for the server's answer before it ends the call itself. Milliseconds. */
const SERVER_FIRST_MS = 150;

/** What a client's end of frames needs of its connection. */
export interface FrameClientOptions {
  readonly socket: FrameSocket;
  readonly clock: Clock;
  /** The longest reply, in bytes. */
  readonly maxReplyBytes: number;
  readonly compression: Compression | undefined;
  readonly active: ActiveCalls;
  /** Runs once calls can be made. */
  readonly onReady: () => void;
  /** Runs once, when no more calls can be made. */
  readonly onClose: (reason: string) => void;
}

/** The client's end of a connection of frames, without I/O: {@link receive} takes bytes, and its socket writes them. */
export class FrameClient {
  readonly #options: FrameClientOptions;
  readonly #outbox: Outbox;
  readonly #source: FrameSource;
  readonly #window = new Window(CONNECTION_WINDOW_BYTES, (bytes) => this.#outbox.sendCredit(0, bytes));
  readonly #calls: OpenCalls;
  readonly #methods = new Map<string, number>();
  readonly #assertions = new SentAssertions();
  readonly #waiting: WaitingCalls;
  /** What the server allows, within what this client does. Until it has welcomed this client no call begins. */
  #limits = NOTHING;
  #welcomed = false;
  #drained = false;
  /** Whether no more calls are made. */
  #closed = false;
  /** Whether the socket has closed, or is about to. */
  #over = false;
  /** Why frames can't be spoken with this server. */
  fault: string | undefined;
  /** Why the server, which has welcomed this client, ends the connection. */
  #refusal: string | undefined;

  constructor(options: FrameClientOptions) {
    this.#options = options;
    const { socket, active, maxReplyBytes } = options;
    active.onLeft = this.#endIfDone;
    this.#outbox = new Outbox(socket, () => this.#waiting.count > 0 && this.#sendWaiting());
    this.#source = new FrameSource({
      socket,
      onFrame: this.#onFrame,
      onFault: (fault) => this.#breakOff(fault.message),
    });
    this.#calls = new OpenCalls({
      maxReplyBytes,
      outbox: this.#outbox,
      window: this.#window,
      advances: new Advances(),
      // At the deadline the server ends the call.
      onLeft: (call) => call.context.reason === undefined && this.#cancel(call),
    });
    this.#waiting = new WaitingCalls({ onBegin: (wire) => this.#hold(wire), left: callerLeft });
    this.#outbox.writer.raw(PREFACE);
    this.#outbox.sendRare(KIND.hello, Hello.encode({ version: FRAMES_VERSION }).finish());
  }

  /** Takes bytes from the server. */
  readonly receive = (chunk: Buffer): void => {
    this.#source.push(chunk);
    if (this.#waiting.count > 0) this.#sendWaiting();
  };

  /** The socket has closed. Replies that have come count. */
  closed(reason: string): void {
    this.#source.finish();
    this.#over = true;
    this.#outbox.close();
    const details = this.fault ?? this.#refusal ?? reason;
    this.#close(details);
    for (const call of this.#calls.all()) {
      const sent = this.#outbox.wasHandedOver(call.frame);
      call.fail(
        sent
          ? transportErrors.BROKEN({ details }, { reach: 'unknown' })
          : transportErrors.NOT_TAKEN({ details }, { reach: 'unsent' }),
      );
      this.#forget(call);
    }
  }

  /** Asks the server for any bytes; false if the connection is about to close. */
  ping(): boolean {
    if (this.#over) return false;
    this.#outbox.ping();
    return true;
  }

  /** Carries a call. It waits while the connection is full. */
  call(wire: WireCall): Promise<Reply<Uint8Array>> {
    if (wire.context.reason !== undefined) return Promise.reject(callerLeft());
    if (this.#closed) return Promise.reject(notTaken());
    const { request } = wire;
    if (!request.stream && compresses(wire.compression ?? this.#options.compression, request.message))
      return this.#callCompressed(wire, request.message);
    return this.#callWhenRoom(wire, request.stream ? undefined : request.message);
  }

  async #callCompressed(wire: WireCall, message: Uint8Array): Promise<Reply<Uint8Array>> {
    const compressed = await compress(message);
    if (wire.context.reason !== undefined) throw callerLeft();
    if (this.#closed) throw notTaken();
    return this.#callWhenRoom(wire, compressed, true);
  }

  #callWhenRoom(wire: WireCall, message: Uint8Array | undefined, compressed = false): Promise<Reply<Uint8Array>> {
    const bytes = message?.length ?? 0;
    if (this.#waiting.count === 0 && this.#hasRoom(bytes)) return this.#send(wire, message, compressed);
    return this.#waiting.add(wire, bytes, () => this.#send(wire, message, compressed));
  }

  #hasRoom(bytes: number): boolean {
    const { maxCalls, maxRequestBytes, maxUnansweredBytes } = this.#limits;
    const inlineBytes = bytes <= maxRequestBytes ? bytes : 0;
    return (
      this.#calls.unansweredBytes + inlineBytes <= maxUnansweredBytes &&
      this.#calls.hasId(maxCalls) &&
      this.#outbox.queuedBytes < MAX_QUEUED_BYTES
    );
  }

  /** A call begins to wait. It counts as active, and keeps the process alive. */
  #hold(wire: WireCall): () => void {
    const { clock, active } = this.#options;
    const hold = holdProcess(wire, clock);
    const streams = wire.responseStream || wire.request.stream;
    active.begin(streams);
    return () => {
      hold?.cancel();
      active.leave(streams);
    };
  }

  /** Sends the calls that have waited longest, as far as there is room. */
  #sendWaiting(): void {
    for (let next = this.#waiting.first; next !== undefined; next = this.#waiting.first) {
      if (!this.#hasRoom(next.bytes)) return;
      const reply = next.send();
      this.#waiting.remove(next);
      next.resolve(reply);
    }
  }

  #send(wire: WireCall, message: Uint8Array | undefined, compressed: boolean): Promise<Reply<Uint8Array>> {
    const { context, metadata, previousAttempts, assertion } = wire;
    const known = this.#methods.get(wire.path);
    if (known === undefined && (this.#methods.size >= MAX_METHODS || !METHOD_PATH.test(wire.path))) {
      return Promise.reject(transportErrors.NOT_TAKEN({ details: 'too many methods' }, { reach: 'unsent' }));
    }
    const inline = message !== undefined && message.length <= this.#limits.maxRequestBytes;
    const requestBytes = inline ? message.length : 0;
    const call = this.#calls.begin(wire, requestBytes);
    if (call.awaited) this.#options.active.begin(!call.unary);
    call.onEnd = () => this.#onLimit(call);
    call.hold = holdProcess(wire, this.#options.clock);
    const method = known ?? this.#methods.size;
    if (known === undefined) this.#methods.set(wire.path, method);
    const principal = assertion === undefined ? 0 : this.#assertions.numberOf(assertion);
    this.#outbox.writer.call({
      id: call.id,
      method,
      path: known === undefined ? wire.path : '',
      timeoutMs: this.#timeLeft(wire),
      previousAttempts,
      metadata,
      message: inline ? message : undefined,
      compressed: inline && compressed,
      principal: Math.abs(principal),
      assertion: principal < 0 ? assertion : undefined,
    });
    call.frame = this.#outbox.send();
    if (!inline) {
      const requests = wire.request.stream ? wire.request.messages : { message, compressed };
      sendRequests(call, requests, {
        outbox: this.#outbox,
        compression: wire.compression ?? this.#options.compression,
        fail: (error) => this.#cancel(call, error instanceof RpcError ? error : callerLeft()),
      });
    }
    context.onEnd(call.onEnd);
    return call.reply;
  }

  /** Fails the unary calls of `contexts`: they are made elsewhere. */
  abandon(contexts: ReadonlySet<CallContext>): void {
    for (const call of this.#calls.all()) {
      if (call.unary && contexts.has(call.context)) this.#cancel(call, transportErrors.SILENT({ reach: 'unknown' }));
    }
  }

  /** Takes no more calls, and ends the connection once no caller waits. */
  close(): void {
    this.#close('the connection was closed');
    this.#endIfDone();
  }

  #close(reason: string): void {
    this.#waiting.fail(notTaken);
    if (this.#closed) return;
    this.#closed = true;
    this.#options.onClose(reason);
  }

  readonly #endIfDone = (): void => {
    if (!this.#closed || this.#options.active.all > 0 || this.#over) return;
    this.#over = true;
    this.#options.socket.destroy();
  };

  readonly #onFrame = (kind: number, body: Buffer): void => {
    if (!this.#welcomed && kind !== KIND.welcome && kind !== KIND.goAway) {
      throw new FrameError('the first frame must be welcome');
    }
    if (kind === KIND.end) this.#onEnd(readEnd(body));
    else if (kind === KIND.message) this.#onMessage(body);
    else if (kind === KIND.header) this.#onHeader(body);
    else if (kind === KIND.credit) this.#onCredit(body);
    else if (kind === KIND.ping) this.#outbox.pong();
    else if (kind === KIND.welcome) this.#onWelcome(readRare(Welcome, body));
    else if (kind === KIND.goAway) this.#onGoAway(readRare(GoAway, body));
    else if (kind !== KIND.pong) throw new FrameError(`a server sends no frame of the kind ${kind}`);
  };

  #onWelcome({ version, maxCalls, maxRequestBytes, maxUnansweredBytes }: Welcome): void {
    if (this.#welcomed) throw new FrameError('welcome comes once');
    if (version !== FRAMES_VERSION) throw new FrameError(`the server speaks version ${version} of frames`);
    this.#welcomed = true;
    this.#limits = {
      maxCalls: Math.min(maxCalls, MAX_CALLS),
      maxRequestBytes: Math.min(maxRequestBytes, MAX_REQUEST_BYTES),
      maxUnansweredBytes: Math.min(maxUnansweredBytes, MAX_UNANSWERED_BYTES),
    };
    if (!this.#closed) this.#options.onReady();
  }

  #onCredit(body: Buffer): void {
    const { id, bytes } = readAbout(body);
    if (id === 0) this.#outbox.addCredit(bytes);
    else this.#calls.of(id).outgoing?.addCredit(bytes);
  }

  #onHeader(body: Buffer): void {
    const { id, metadata } = readHeader(body);
    this.#calls.of(id).takeHeader(metadata);
  }

  #onMessage(body: Buffer): void {
    const frame = readMessage(body);
    const call = this.#calls.of(frame.id);
    this.#window.take(frame.data.length + MESSAGE_COST);
    try {
      call.takeMessage(frame);
    } catch (fault) {
      if (!(fault instanceof RpcError)) throw fault;
      this.#cancel(call, fault);
    }
  }

  #onEnd(frame: EndFrame): void {
    const call = this.#calls.of(frame.id);
    try {
      call.takeEnd(frame);
    } catch (fault) {
      if (!(fault instanceof RpcError)) throw fault;
      call.fail(fault);
    }
    this.#forget(call);
  }

  #onGoAway({ accepted, reason }: GoAway): void {
    if (reason !== '') {
      const refusal = `the server refuses the frames of this process: ${reason}`;
      // A server that has welcomed this client speaks frames, also on the next connection.
      if (!this.#welcomed) this.fault = refusal;
      else this.#refusal = refusal;
      return;
    }
    if (this.#drained) throw new FrameError('go_away comes once');
    this.#drained = true;
    for (const call of this.#calls.after(accepted)) {
      call.fail(transportErrors.PEER_STOPS({ reach: 'never' }));
      this.#forget(call);
    }
    this.#close('the server stops');
    this.#endIfDone();
  }

  #timeLeft({ deadline }: WireCall): number | undefined {
    if (deadline === undefined) return undefined;
    return Math.ceil(Math.min(Math.max(deadline - this.#options.clock.now(), 1), MAX_TIMEOUT_MS));
  }

  /** The caller has stopped waiting. If the reason is the deadline, the server ends the call by itself. */
  #onLimit(call: OpenCall): void {
    this.#leave(call);
    if (call.context.reason?.code !== Status.DEADLINE_EXCEEDED) this.#cancel(call);
    else call.backstop = this.#options.clock.setTimer(SERVER_FIRST_MS, () => this.#cancel(call), { keepAlive: false });
  }

  #leave(call: OpenCall): void {
    if (!call.awaited) return;
    call.awaited = false;
    this.#options.active.leave(!call.unary);
  }

  /** The server still ends the call; until then its id is in use. */
  #cancel(call: OpenCall, error: RpcError = callerLeft()): void {
    if (!this.#calls.has(call)) return;
    call.fail(error);
    this.#leave(call);
    if (!this.#over) this.#outbox.sendAbout(KIND.cancel, call.id);
  }

  #forget(call: OpenCall): void {
    this.#leave(call);
    call.context.offEnd(call.onEnd);
    call.hold?.cancel();
    call.backstop?.cancel();
    this.#calls.delete(call);
  }

  #breakOff(reason: string): void {
    this.fault = `the server broke the rules of frames: ${reason}`;
    this.#over = true;
    this.#options.socket.destroy();
  }
}

function callerLeft(): TransportError {
  // biome-ignore lint/plugin: the caller has its own error by then.
  return new TransportError(Status.CANCELLED, 'the caller left', { reach: 'unknown' });
}

const NOTHING = { maxCalls: 0, maxRequestBytes: 0, maxUnansweredBytes: 0 };

const notTaken = () => transportErrors.NOT_TAKEN({ details: 'the connection has ended' }, { reach: 'unsent' });
