import * as grpc from '@grpc/grpc-js';
import { ConnectRequest, type GoAway, type Welcome } from '@rondo/contracts/rondo/tunnel/v1/tunnel';
import type { Reply } from '../../call/call.js';
import { Metadata } from '../../call/metadata.js';
import type { Clock, Timer } from '../../clock/clock.js';
import { Status, statusFromCode } from '../../status/code.js';
import { decodeStatusDetails } from '../../status/detail.js';
import { RpcError } from '../../status/rpc-error.js';
import { receivedError } from '../router-error.js';
import { TransportError, type WireCall } from '../transport.js';
import { FrameSender } from '../tunnel/frame-sender.js';
import {
  type FailureFrame,
  MAX_METHODS,
  METHOD_PATH,
  type ReplyFrame,
  type ResponseListener,
  readResponse,
  TUNNEL_PATH,
  TUNNEL_VERSION,
} from '../tunnel/frames.js';
import { FrameError } from '../tunnel/wire-format.js';
import { holdProcess } from './call.js';
import { brokenTunnel } from './wire.js';

/** Beyond this, calls go by gRPC: the peer doesn't read. It is far below what a message may have. Bytes. */
const MAX_QUEUED_BYTES = 256 * 1_024;
const MAX_TIMEOUT_MS = 2 ** 32 - 1;
/** How long the client leaves it to the server to answer a call at its deadline. Milliseconds. */
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
  /** `onBegin` runs when a call begins; `onLeave` when it has ended or its caller has cancelled. */
  readonly onBegin: () => void;
  readonly onLeave: () => void;
  /** Runs once, when the tunnel takes no more calls. `refused`: the server has none. */
  readonly onClose: (refused: boolean) => void;
}

/** The client's end of a tunnel: carries unary calls as frames of one stream. */
export class TunnelClient implements ResponseListener {
  readonly #options: TunnelClientOptions;
  readonly #stream: ReturnType<grpc.Channel['createCall']>;
  readonly #sender: FrameSender;
  /** Unanswered calls by id. */
  readonly #calls: (TunnelledCall | undefined)[] = [];
  readonly #freeIds: number[] = [];
  readonly #methods = new Map<string, number>();
  #unanswered = 0;
  /** How many calls were made; it wraps at 2^32. */
  #sequence = 0;
  #open = false;
  #closed = false;
  #maxCalls = 0;
  #maxRequestBytes = 0;

  constructor(options: TunnelClientOptions) {
    this.#options = options;
    const stream = options.channel.createCall(TUNNEL_PATH, Number.POSITIVE_INFINITY, null, null, null);
    this.#stream = stream;
    this.#sender = new FrameSender((batch, taken) => {
      stream.sendMessageWithContext({ flags: NO_COMPRESS, callback: taken }, batch);
    });
    stream.start(new grpc.Metadata(), {
      onReceiveMetadata() {},
      onReceiveMessage: (bytes: Buffer) => this.#read(bytes),
      onReceiveStatus: (status) => this.#onEnd(status),
    });
    const hello = ConnectRequest.encode(ConnectRequest.fromPartial({ hello: { version: TUNNEL_VERSION } })).finish();
    stream.sendMessageWithContext({ flags: NO_COMPRESS }, Buffer.from(hello));
    stream.startRead();
  }

  /** Whether a call of the method at `path`, with a request of so many bytes, can go through the tunnel now. */
  takes(path: string, bytes: number): boolean {
    return (
      this.#open &&
      bytes <= this.#maxRequestBytes &&
      (this.#freeIds.length > 0 || this.#calls.length < this.#maxCalls) &&
      this.#sender.queuedBytes < MAX_QUEUED_BYTES &&
      (this.#methods.has(path) || (this.#methods.size < MAX_METHODS && METHOD_PATH.test(path)))
    );
  }

  /** Carries a unary call. Ask {@link TunnelClient.takes} before. */
  call(wire: WireCall, message: Uint8Array): Promise<Reply<Uint8Array>> {
    const { context, metadata } = wire;
    if (context.reason !== undefined) return Promise.reject(callerLeft());
    const id = this.#freeIds.pop() ?? this.#calls.length;
    this.#sequence = (this.#sequence + 1) >>> 0;
    const call = new TunnelledCall(id, wire, this.#sequence);
    this.#calls[id] = call;
    this.#unanswered += 1;
    this.#options.onBegin();
    call.onEnd = () => this.#onLimit(call);
    context.onEnd(call.onEnd);
    call.hold = holdProcess(wire, this.#options.clock);
    const known = this.#methods.get(wire.path);
    const method = known ?? this.#methods.size;
    if (known === undefined) this.#methods.set(wire.path, method);
    const path = known === undefined ? wire.path : '';
    this.#sender.writer.call({ id, method, path, timeoutMs: this.#timeLeft(wire), metadata, message });
    call.frame = this.#sender.send();
    return call.reply;
  }

  /** Takes no more calls, and ends the stream once those in flight are answered. */
  close(): void {
    if (!this.#closed) {
      this.#closed = true;
      this.#open = false;
      this.#options.onClose(false);
    }
    if (this.#unanswered === 0) this.#stream.cancelWithStatus(grpc.status.CANCELLED, 'the tunnel was closed');
  }

  onWelcome({ version, maxCalls, maxRequestBytes }: Welcome): void {
    if (version !== TUNNEL_VERSION) throw new FrameError(`the server speaks version ${version} of the tunnel`);
    if (this.#closed) return;
    this.#maxCalls = maxCalls;
    this.#maxRequestBytes = maxRequestBytes;
    this.#open = true;
  }

  onReply(reply: ReplyFrame): void {
    const call = this.#calls[reply.id];
    if (call === undefined) throw new FrameError(`a reply to a call that isn't open: ${reply.id}`);
    const { maxReplyBytes } = this.#options;
    if (reply.more) {
      if (!call.takePiece(reply, maxReplyBytes)) this.#cancel(call);
      return;
    }
    call.end(reply, maxReplyBytes);
    this.#forget(call);
  }

  onGoAway({ accepted }: GoAway): void {
    for (const call of [...this.#calls]) {
      if (call === undefined || ((call.sequence - accepted) | 0) <= 0) continue;
      call.fail(
        new TransportError(Status.UNAVAILABLE, 'the server shuts down and did not take the call', { reach: 'never' }),
      );
      this.#forget(call);
    }
    this.close();
  }

  #timeLeft({ deadline }: WireCall): number | undefined {
    if (deadline === undefined) return undefined;
    return Math.ceil(Math.min(Math.max(deadline - this.#options.clock.now(), 1), MAX_TIMEOUT_MS));
  }

  /** The caller doesn't wait any more. At the deadline the server ends the call by itself. */
  #onLimit(call: TunnelledCall): void {
    this.#leave(call);
    if (call.wire.context.reason?.code !== Status.DEADLINE_EXCEEDED) this.#cancel(call);
    else call.backstop = this.#options.clock.setTimer(SERVER_FIRST_MS, () => this.#cancel(call), { keepAlive: false });
  }

  #leave(call: TunnelledCall): void {
    if (call.awaited) this.#options.onLeave();
    call.awaited = false;
  }

  /** The server still answers the call; until then its id is in use. */
  #cancel(call: TunnelledCall): void {
    if (this.#calls[call.id] !== call) return;
    call.fail(callerLeft());
    this.#sender.writer.cancel(call.id);
    this.#sender.send();
  }

  #forget(call: TunnelledCall): void {
    this.#leave(call);
    call.wire.context.offEnd(call.onEnd);
    call.hold?.cancel();
    call.backstop?.cancel();
    this.#calls[call.id] = undefined;
    this.#freeIds.push(call.id);
    this.#unanswered -= 1;
    if (this.#closed && this.#unanswered === 0) this.close();
  }

  #read(bytes: Buffer): void {
    try {
      readResponse(bytes, this);
    } catch (cause) {
      if (!(cause instanceof FrameError)) throw cause;
      this.#stream.cancelWithStatus(grpc.status.INTERNAL, `the frames of the tunnel can't be read: ${cause.message}`);
      return;
    }
    this.#stream.startRead();
  }

  #onEnd(status: grpc.StatusObject): void {
    this.#sender.close();
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
    this.#options.onClose(status.code === grpc.status.UNIMPLEMENTED);
  }
}

function callerLeft(): TransportError {
  return new TransportError(Status.CANCELLED, 'the caller left', { reach: 'unknown' });
}

/** A call that the server hasn't answered yet. */
class TunnelledCall {
  readonly id: number;
  readonly wire: WireCall;
  /** Its place among all calls of the tunnel. */
  readonly sequence: number;
  readonly reply: Promise<Reply<Uint8Array>>;
  /** The number of its frame. */
  frame = 0;
  /** Whether its caller waits for it. */
  awaited = true;
  /** Runs when the context of the call ends. */
  onEnd: () => void = () => undefined;
  /** Keeps the process alive for a call without a deadline. */
  hold: Timer | undefined;
  /** Cancels the call if the server doesn't answer it at its deadline. */
  backstop: Timer | undefined;
  #resolve: (reply: Reply<Uint8Array>) => void = () => undefined;
  #reject: (error: RpcError) => void = () => undefined;
  #header: Metadata | undefined;
  /** The message so far, if it comes in pieces, and its length as the first piece says it. */
  readonly #pieces: Uint8Array[] = [];
  #receivedBytes = 0;
  #totalBytes = 0;
  /** Whether it was told that the reply is too long. */
  #refused = false;

  constructor(id: number, wire: WireCall, sequence: number) {
    this.id = id;
    this.wire = wire;
    this.sequence = sequence;
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  fail(error: RpcError): void {
    this.#reject(error);
  }

  /**
   * Takes a piece of a long reply. Returns false if the reply will be longer than `maxBytes`.
   *
   * @throws FrameError if it doesn't fit.
   */
  takePiece({ message, totalBytes, header }: ReplyFrame, maxBytes: number): boolean {
    if (this.#refused) return true;
    if (this.#pieces.length === 0) {
      this.#header = header;
      this.#totalBytes = totalBytes;
    }
    if (this.#totalBytes > maxBytes) {
      this.#refused = true;
      this.#reject(tooLong(this.#totalBytes, maxBytes));
      return false;
    }
    this.#receivedBytes += message.length;
    if (this.#receivedBytes > this.#totalBytes) throw new FrameError('a reply is longer than it said');
    if (message.length === 0) throw new FrameError('a piece of a reply is empty');
    this.#pieces.push(message);
    return true;
  }

  /** Takes the reply, or its last piece. */
  end(reply: ReplyFrame, maxBytes: number): void {
    if (this.#refused) return;
    const { trailer = new Metadata(), failure } = reply;
    const header = this.#pieces.length > 0 ? this.#header : reply.header;
    if (failure !== undefined) {
      this.#reject(toError(failure, { path: this.wire.path, header, metadata: trailer }));
      return;
    }
    const message = this.#wholeOf(reply, maxBytes);
    if (message === undefined) return;
    this.#resolve({ header: header ?? new Metadata(), trailer, response: { stream: false, message } });
  }

  #wholeOf(reply: ReplyFrame, maxBytes: number): Uint8Array | undefined {
    const { message } = reply;
    if (this.#pieces.length === 0) {
      if (message.length <= maxBytes) return message;
      this.#reject(tooLong(message.length, maxBytes));
      return undefined;
    }
    this.takePiece(reply, maxBytes);
    if (this.#receivedBytes < this.#totalBytes) throw new FrameError('a reply is shorter than it said');
    return Buffer.concat(this.#pieces, this.#totalBytes);
  }
}

/** As grpc-js says it. */
function tooLong(bytes: number, maxBytes: number): RpcError {
  return new RpcError(Status.RESOURCE_EXHAUSTED, `Received message larger than max (${bytes} vs ${maxBytes})`);
}

/** What else is known of a failed call. */
interface FailedCall {
  readonly path: string;
  readonly header: Metadata | undefined;
  readonly metadata: Metadata;
}

function toError({ code, message, details, notHandled }: FailureFrame, call: FailedCall): RpcError {
  const known = code === Status.OK ? Status.UNKNOWN : statusFromCode(code);
  const unpacked = details === undefined ? [] : decodeStatusDetails(details);
  return receivedError({ ...call, code: known, message, details: unpacked, mark: notHandled });
}
