import * as grpc from '@grpc/grpc-js';
import type { Clock } from '@rondo/base';
import { ConnectRequest, type GoAway, type Welcome } from '@rondo/contracts/rondo/tunnel/v1/tunnel';
import type { Reply } from '../../call/call.js';
import type { CallContext } from '../../call/call-context.js';
import { transportErrors } from '../../errors/transport.js';
import { Status } from '../../status/code.js';
import { TransportError } from '../../status/wire-errors.js';
import type { WireCall } from '../transport.js';
import { SentAssertions } from '../tunnel/assertions.js';
import { type ResponseListener, readResponse } from '../tunnel/frame-reader.js';
import { FrameSender } from '../tunnel/frame-sender.js';
import {
  MAX_CALLS,
  MAX_METHODS,
  MAX_REQUEST_BYTES,
  MAX_UNANSWERED_BYTES,
  METHOD_PATH,
  type ReplyFrame,
  TUNNEL_PATH,
  TUNNEL_VERSION,
} from '../tunnel/frames.js';
import { FRAMES_A_TURN, MessageReader } from '../tunnel/message-reader.js';
import { PieceMemory } from '../tunnel/received-pieces.js';
import { WaitingCalls } from '../tunnel/waiting-calls.js';
import { type FieldReader, FrameError } from '../tunnel/wire-format.js';
import type { ActiveCalls } from './active-calls.js';
import { holdProcess } from './call.js';
import { type ReplyLimits, TunnelledCall } from './tunnelled-call.js';
import { brokenTunnel } from './wire.js';

/** Beyond this, calls wait: the peer doesn't read. Bytes. */
const MAX_QUEUED_BYTES = 1_024 * 1_024;
const MAX_TIMEOUT_MS = 2 ** 32 - 1;
/** After a call's deadline, how long the client waits for the server's answer before it ends the call itself. Milliseconds. */
const SERVER_FIRST_MS = 150;
/** grpc-js's flag for a message that stays uncompressed. */
const NO_COMPRESS = 2;

/** What a tunnel needs of its connection. */
export interface TunnelClientOptions {
  readonly channel: grpc.Channel;
  readonly clock: Clock;
  /** The longest reply, in bytes. */
  readonly maxReplyBytes: number;
  /** Whether the connection is still ready. */
  readonly connected: () => boolean;
  readonly active: ActiveCalls;
  /** Runs once, when the tunnel takes no more calls. `useless`: the server has no tunnels, or breaks their contract. */
  readonly onClose: (useless: boolean) => void;
}

/** The client's end of a tunnel: carries unary calls as frames of one stream. */
export class TunnelClient implements ResponseListener {
  readonly #options: TunnelClientOptions;
  readonly #stream: ReturnType<grpc.Channel['createCall']>;
  readonly #sender: FrameSender;
  readonly #reader = new MessageReader(
    (fields) => this.#readFrames(fields),
    () => this.#readNext(),
  );
  /** Unanswered calls by id. */
  readonly #calls: (TunnelledCall | undefined)[] = [];
  readonly #freeIds: number[] = [];
  readonly #methods = new Map<string, number>();
  readonly #assertions = new SentAssertions();
  readonly #limits: ReplyLimits;
  readonly #waiting: WaitingCalls;
  #unanswered = 0;
  /** What their requests have together. */
  #unansweredBytes = 0;
  /** How many unanswered calls have a caller that waits. */
  #awaited = 0;
  /** How many calls were made; it wraps at 2^32. */
  #sequence = 0;
  #welcomed = false;
  #drained = false;
  #open = false;
  #closed = false;
  /** Why the server's frames can't be read. */
  #fault: string | undefined;
  #maxCalls = 0;
  #maxRequestBytes = 0;
  #maxUnansweredBytes = 0;

  constructor(options: TunnelClientOptions) {
    this.#options = options;
    this.#limits = { maxReplyBytes: options.maxReplyBytes, memory: new PieceMemory() };
    const stream = options.channel.createCall(TUNNEL_PATH, Number.POSITIVE_INFINITY, null, null, null);
    this.#stream = stream;
    const write = (batch: Buffer, taken: () => void) =>
      stream.sendMessageWithContext({ flags: NO_COMPRESS, callback: taken }, batch);
    this.#sender = new FrameSender(write, () => this.#sendWaiting());
    this.#waiting = new WaitingCalls({ onBegin: (wire) => this.#hold(wire), left: callerLeft });
    stream.start(new grpc.Metadata(), {
      onReceiveMetadata() {},
      onReceiveMessage: (bytes: Buffer) => this.#reader.read(bytes),
      onReceiveStatus: (status) => this.#onEnd(status),
    });
    const hello = ConnectRequest.encode(ConnectRequest.fromPartial({ hello: { version: TUNNEL_VERSION } })).finish();
    stream.sendMessageWithContext({ flags: NO_COMPRESS }, Buffer.from(hello));
    stream.startRead();
  }

  /** Whether a call of the method at `path`, with a request of so many bytes, can go through the tunnel. */
  takes(path: string, bytes: number): boolean {
    return this.#open && bytes <= this.#maxRequestBytes && this.#canName(path);
  }

  #canName(path: string): boolean {
    return this.#methods.has(path) || (this.#methods.size < MAX_METHODS && METHOD_PATH.test(path));
  }

  #hasRoom(bytes: number): boolean {
    return (
      this.#unansweredBytes + bytes <= this.#maxUnansweredBytes &&
      (this.#freeIds.length > 0 || this.#calls.length < this.#maxCalls) &&
      this.#sender.queuedBytes < MAX_QUEUED_BYTES
    );
  }

  /** Carries a unary call. It waits while the tunnel is full. Ask {@link TunnelClient.takes} before. */
  call(wire: WireCall, message: Uint8Array): Promise<Reply<Uint8Array>> {
    if (wire.context.reason !== undefined) return Promise.reject(callerLeft());
    if (this.#waiting.isEmpty && this.#hasRoom(message.length)) return this.#send(wire, message);
    return this.#waiting.add(wire, message);
  }

  /** A call begins to wait. It counts as active, and keeps the process alive. */
  #hold(wire: WireCall): () => void {
    const { clock, active } = this.#options;
    const hold = holdProcess(wire, clock);
    active.begin(false);
    return () => {
      hold?.cancel();
      active.leave(false);
    };
  }

  /** Sends the calls that have waited longest, as far as there is room. */
  #sendWaiting(): void {
    for (let next = this.#waiting.first; next !== undefined; next = this.#waiting.first) {
      const { wire, message } = next;
      if (!this.#hasRoom(message.length)) return;
      const sent = this.#canName(wire.path) ? this.#send(wire, message) : Promise.reject(notTaken());
      this.#waiting.remove(next);
      next.resolve(sent);
    }
  }

  #send(wire: WireCall, message: Uint8Array): Promise<Reply<Uint8Array>> {
    const { context, metadata } = wire;
    const id = this.#freeIds.pop() ?? this.#calls.length;
    this.#sequence = (this.#sequence + 1) >>> 0;
    const call = new TunnelledCall(id, this.#sequence, { wire, requestBytes: message.length, limits: this.#limits });
    this.#calls[id] = call;
    this.#unanswered += 1;
    this.#unansweredBytes += message.length;
    this.#awaited += 1;
    this.#options.active.begin(false);
    call.onEnd = () => this.#onLimit(call);
    context.onEnd(call.onEnd);
    call.hold = holdProcess(wire, this.#options.clock);
    const known = this.#methods.get(wire.path);
    const method = known ?? this.#methods.size;
    if (known === undefined) this.#methods.set(wire.path, method);
    const path = known === undefined ? wire.path : '';
    const { previousAttempts, assertion } = wire;
    const principal = assertion === undefined ? 0 : this.#assertions.numberOf(assertion);
    this.#sender.writer.call({
      id,
      method,
      path,
      timeoutMs: this.#timeLeft(wire),
      previousAttempts,
      metadata,
      message,
      principal: Math.abs(principal),
      assertion: principal < 0 ? assertion : undefined,
    });
    call.frame = this.#sender.send();
    return call.reply;
  }

  /** Fails the calls of `contexts`: they are made elsewhere. */
  abandon(contexts: ReadonlySet<CallContext>): void {
    for (const call of [...this.#calls]) {
      if (call !== undefined && contexts.has(call.context))
        this.#cancel(call, transportErrors.SILENT({ reach: 'unknown' }));
    }
  }

  /** Takes no more calls, and ends the stream once no caller waits. */
  close(): void {
    if (!this.#closed) {
      this.#closed = true;
      this.#open = false;
      this.#options.onClose(this.#fault !== undefined);
    }
    this.#waiting.fail(notTaken);
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#closed && this.#awaited === 0) this.#end(grpc.status.CANCELLED, 'the tunnel was closed');
  }

  #end(code: grpc.status, reason: string): void {
    this.#sender.close();
    this.#stream.cancelWithStatus(code, reason);
  }

  onWelcome({ version, maxCalls, maxRequestBytes, maxUnansweredBytes }: Welcome): void {
    if (this.#welcomed) throw new FrameError('welcome comes once');
    if (version !== TUNNEL_VERSION) throw new FrameError(`the server speaks version ${version} of the tunnel`);
    this.#welcomed = true;
    if (this.#closed) return;
    this.#maxCalls = Math.min(maxCalls, MAX_CALLS);
    this.#maxRequestBytes = Math.min(maxRequestBytes, MAX_REQUEST_BYTES);
    this.#maxUnansweredBytes = Math.min(maxUnansweredBytes, MAX_UNANSWERED_BYTES);
    this.#open = true;
  }

  onReply(reply: ReplyFrame): void {
    const call = this.#calls[reply.id];
    if (call === undefined) throw new FrameError(`a reply to a call that isn't open: ${reply.id}`);
    if (!call.take(reply)) this.#cancel(call);
    if (!reply.more) this.#forget(call);
  }

  onGoAway({ accepted }: GoAway): void {
    if (this.#drained) throw new FrameError('go_away comes once');
    this.#drained = true;
    const sent = this.#sequence;
    const answered = (sent - this.#unanswered) >>> 0;
    if (((sent - accepted) | 0) < 0 || ((accepted - answered) | 0) < 0) {
      throw new FrameError(
        `go_away says that ${accepted} calls were taken; ${sent} were sent and ${answered} answered`,
      );
    }
    for (const call of [...this.#calls]) {
      if (call === undefined || ((call.sequence - accepted) | 0) <= 0) continue;
      call.fail(transportErrors.PEER_STOPS({ reach: 'never' }));
      this.#forget(call);
    }
    this.close();
  }

  #timeLeft({ deadline }: WireCall): number | undefined {
    if (deadline === undefined) return undefined;
    return Math.ceil(Math.min(Math.max(deadline - this.#options.clock.now(), 1), MAX_TIMEOUT_MS));
  }

  /** The caller has stopped waiting. If the reason is the deadline, the server ends the call by itself. */
  #onLimit(call: TunnelledCall): void {
    this.#leave(call);
    if (call.context.reason?.code !== Status.DEADLINE_EXCEEDED) this.#cancel(call);
    else call.backstop = this.#options.clock.setTimer(SERVER_FIRST_MS, () => this.#cancel(call), { keepAlive: false });
  }

  #leave(call: TunnelledCall): void {
    if (!call.awaited) return;
    call.awaited = false;
    this.#awaited -= 1;
    this.#options.active.leave(false);
    this.#endIfDone();
  }

  /** The server still answers the call; until then its id is in use. */
  #cancel(call: TunnelledCall, error = callerLeft()): void {
    if (this.#calls[call.id] !== call) return;
    call.fail(error);
    this.#leave(call);
    this.#sender.writer.cancel(call.id);
    this.#sender.send();
  }

  #forget(call: TunnelledCall): void {
    this.#leave(call);
    call.context.offEnd(call.onEnd);
    call.hold?.cancel();
    call.backstop?.cancel();
    this.#calls[call.id] = undefined;
    this.#freeIds.push(call.id);
    this.#unanswered -= 1;
    this.#unansweredBytes -= call.requestBytes;
  }

  #readFrames(fields: FieldReader): boolean {
    try {
      const more = readResponse(fields, this, FRAMES_A_TURN);
      this.#sendWaiting();
      return more;
    } catch (cause) {
      if (!(cause instanceof FrameError)) throw cause;
      this.#fault = cause.message;
      this.#open = false;
      this.#end(grpc.status.INTERNAL, `the server broke the tunnel's contract: ${cause.message}`);
      return false;
    }
  }

  #readNext(): void {
    if (this.#fault === undefined) this.#stream.startRead();
  }

  #onEnd(status: grpc.StatusObject): void {
    this.#sender.close();
    this.#open = false;
    this.#waiting.fail(notTaken);
    // Replies that have come count.
    this.#reader.finish();
    for (const call of [...this.#calls]) {
      if (call === undefined) continue;
      call.fail(
        brokenTunnel(status, {
          connected: this.#options.connected(),
          handedOver: this.#sender.wasHandedOver(call.frame),
        }),
      );
      this.#forget(call);
    }
    if (this.#closed) return;
    this.#closed = true;
    this.#open = false;
    this.#options.onClose(status.code === grpc.status.UNIMPLEMENTED || this.#fault !== undefined);
  }
}

function callerLeft(): TransportError {
  // biome-ignore lint/plugin: the caller has its own error by then.
  return new TransportError(Status.CANCELLED, 'the caller left', { reach: 'unknown' });
}

const notTaken = () => transportErrors.NOT_TAKEN({ details: 'the tunnel has ended' }, { reach: 'unsent' });
