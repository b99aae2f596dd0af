import * as grpc from '@grpc/grpc-js';
import type { Clock, Timer } from '@rondo/base';
import { ConnectResponse, type Hello } from '@rondo/contracts/rondo/tunnel/v1/tunnel';
import type { Logger, Reply } from '../../call/call.js';
import { CallContext, cancelled } from '../../call/call-context.js';
import type { Metadata } from '../../call/metadata.js';
import { receivedTraceId } from '../../call/trace.js';
import { serverErrors } from '../../errors/server.js';
import type { ReceivedAssertion } from '../../principal/verifier.js';
import { RpcError } from '../../status/rpc-error.js';
import type { ReceivedWireCall, WireHandler } from '../../transport/transport.js';
import { KnownAssertions } from '../../transport/tunnel/assertions.js';
import { type RequestListener, readRequest } from '../../transport/tunnel/frame-reader.js';
import {
  type CallFrame,
  MAX_CALLS,
  MAX_METHODS,
  MAX_REQUEST_BYTES,
  MAX_UNANSWERED_BYTES,
  METHOD_PATH,
  TUNNEL_PATH,
  TUNNEL_VERSION,
} from '../../transport/tunnel/frames.js';
import { FRAMES_A_TURN, MessageReader } from '../../transport/tunnel/message-reader.js';
import { type FieldReader, FrameError } from '../../transport/tunnel/wire-format.js';
import type { CallInFlight } from './exchange.js';
import { MAX_TUNNELS, UNREAD } from './limits.js';
import type { Peer, PeerIdentities } from './mutual-tls.js';
import { TunnelReplies } from './tunnel-replies.js';

/** The unread bytes above which a client's requests aren't read either. */
const MAX_QUEUED_BYTES = 1_024 * 1_024;

/** The status of one tunnel too many. */
const TOO_MANY = {
  code: grpc.status.RESOURCE_EXHAUSTED,
  details: `a connection has at most ${MAX_TUNNELS} tunnels; call through those that are open`,
};

/** What the tunnels of a server share. */
interface TunnelOptions {
  readonly handle: WireHandler;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The clients' identities; undefined without TLS. */
  readonly peers: PeerIdentities | undefined;
  /** Runs when a call begins. The returned function runs when it has ended. */
  readonly begin: (call: CallInFlight) => () => void;
}

export interface Tunnels {
  /** Takes no more calls. Each tunnel ends once its calls are answered. */
  drain(): void;
}

type TunnelStream = grpc.ServerDuplexStream<Buffer, Buffer>;

const identity = (bytes: Buffer): Buffer => bytes;

/** Serves tunnels beside the methods of a server: the frames of each go to the same router as plain calls. */
export function bindTunnels(server: grpc.Server, options: TunnelOptions): Tunnels {
  const open = new Set<Tunnel>();
  let draining = false;
  const counts = new Map<string, number>();
  const serve = (stream: TunnelStream) => {
    const peer = stream.getPeer();
    const count = (counts.get(peer) ?? 0) + 1;
    // Clients over a socket of the file system can't be told apart.
    if (count > MAX_TUNNELS && peer.includes(':')) {
      stream.emit('error', TOO_MANY);
      return;
    }
    counts.set(peer, count);
    const tunnel = new Tunnel(stream, options);
    open.add(tunnel);
    stream.once('close', () => {
      open.delete(tunnel);
      const left = (counts.get(peer) ?? 1) - 1;
      if (left > 0) counts.set(peer, left);
      else counts.delete(peer);
    });
    if (draining) tunnel.drain();
  };
  server.register(TUNNEL_PATH, serve, identity, identity, 'bidi');
  return {
    drain() {
      draining = true;
      for (const tunnel of open) tunnel.drain();
    },
  };
}

/** The server's end of one tunnel: gives its calls to the router. */
class Tunnel implements RequestListener {
  readonly #stream: TunnelStream;
  readonly #options: TunnelOptions;
  readonly #replies: TunnelReplies;
  readonly #reader = new MessageReader(
    (fields) => this.#readFrames(fields),
    () => this.#resume(),
  );
  readonly #peer: string;
  readonly #client: Peer | undefined;
  /** What the client has said on whose behalf it calls; undefined if it has no certificate. */
  readonly #assertions: KnownAssertions<ReceivedAssertion> | undefined;
  /** Unanswered calls by id. */
  readonly #calls: (ReceivedCall | undefined)[] = [];
  readonly #paths: string[] = [];
  #unanswered = 0;
  /** What their requests have together. */
  #unansweredBytes = 0;
  /** How many calls were taken; it wraps at 2^32. */
  #accepted = 0;
  #welcomed = false;
  #draining = false;
  /** Whether the client sends no more frames. */
  #ended = false;
  /** Whether the stream is broken, or its frames can't be read. */
  #broken = false;
  /** Runs while the client has much unread. */
  #stall: Timer | undefined;
  #hasRead = false;

  constructor(stream: TunnelStream, options: TunnelOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#peer = stream.getPeer();
    this.#client = options.peers?.take(stream.metadata);
    const { certificate } = this.#client ?? {};
    this.#assertions = certificate && new KnownAssertions((assertion) => ({ assertion, certificate }));
    const write = (batch: Buffer, taken: () => void) => void stream.write(batch, taken);
    this.#replies = new TunnelReplies(write, () => {
      this.#hasRead = true;
      this.#resume();
    });
    stream.on('data', (bytes: Buffer) => this.#read(bytes));
    stream.once('close', () => this.#stall?.cancel());
    stream.on('end', () => {
      this.#ended = true;
      this.#endIfDone();
    });
    stream.on('cancelled', () => this.#abandon());
    stream.on('error', () => this.#abandon());
  }

  onHello({ version }: Hello): void {
    if (this.#welcomed) throw new FrameError('hello comes once');
    if (version < TUNNEL_VERSION) throw new FrameError(`there is no version ${version} of the tunnel`);
    this.#welcomed = true;
    this.#send({
      welcome: {
        version: TUNNEL_VERSION,
        maxCalls: MAX_CALLS,
        maxRequestBytes: MAX_REQUEST_BYTES,
        maxUnansweredBytes: MAX_UNANSWERED_BYTES,
      },
    });
    if (this.#draining) this.#goAway();
  }

  onCall(frame: CallFrame): void {
    if (!this.#welcomed) throw new FrameError('the first frame must be hello');
    const path = this.#pathOf(frame);
    const received = this.#assertions?.of(frame.principal ?? 0, frame.assertion);
    // The client knows that a call which came later than the last accepted one never ran.
    if (this.#draining) return;
    const { id, message } = frame;
    if (id >= MAX_CALLS) throw new FrameError(`the id of a call must be below ${MAX_CALLS}; it is ${id}`);
    if (this.#calls[id] !== undefined) throw new FrameError(`there is an unanswered call with the id ${id}`);
    if (message.length > MAX_REQUEST_BYTES) {
      throw new FrameError(`a request may have ${MAX_REQUEST_BYTES} bytes; it has ${message.length}`);
    }
    if (this.#unansweredBytes + message.length > MAX_UNANSWERED_BYTES) {
      throw new FrameError(`the requests of unanswered calls may have ${MAX_UNANSWERED_BYTES} bytes together`);
    }
    this.#accepted = (this.#accepted + 1) >>> 0;
    const { handle, clock, begin } = this.#options;
    const call = new ReceivedCall(frame, { path, peer: this.#peer, client: this.#client, received, clock });
    this.#calls[id] = call;
    this.#unanswered += 1;
    this.#unansweredBytes += message.length;
    call.end = begin(call);
    handle(call).then(
      (reply) => this.#answer(call, reply),
      (fault) => this.#fail(call, fault),
    );
  }

  onCancel(id: number): void {
    const call = this.#calls[id];
    if (call === undefined) return;
    if (this.#replies.drop(id)) this.#fail(call, cancelled());
    else call.context.end(cancelled());
  }

  /** Takes no more calls, and ends the stream once those that were taken are answered. */
  drain(): void {
    if (this.#broken || this.#draining) return;
    this.#draining = true;
    if (this.#welcomed) this.#goAway();
    this.#endIfDone();
  }

  #goAway(): void {
    this.#send({ goAway: { accepted: this.#accepted } });
  }

  /** Sends a frame that comes once a stream. */
  #send(response: Partial<ConnectResponse>): void {
    this.#stream.write(Buffer.from(ConnectResponse.encode(ConnectResponse.fromPartial(response)).finish()));
  }

  /** The path of a call's method; remembers it if it is new. */
  #pathOf({ method, path }: CallFrame): string {
    const known = this.#paths[method];
    if (known !== undefined && path === '') return known;
    if (method !== this.#paths.length || path === '') {
      throw new FrameError(`the number of a method is wrong: ${method}`);
    }
    if (!METHOD_PATH.test(path))
      throw new FrameError('the path of a method has at most 256 printable characters without spaces');
    if (method >= MAX_METHODS) throw new FrameError(`a tunnel calls at most ${MAX_METHODS} methods`);
    this.#paths.push(path);
    return path;
  }

  #read(bytes: Buffer): void {
    this.#reader.read(bytes);
    if (!this.#mayRead) this.#stream.pause();
  }

  #readFrames(fields: FieldReader): boolean {
    if (this.#broken) return false;
    try {
      return readRequest(fields, this, FRAMES_A_TURN);
    } catch (cause) {
      if (!(cause instanceof FrameError)) throw cause;
      this.#abandon();
      const details = `the frames of the tunnel can't be read: ${cause.message}`;
      this.#stream.emit('error', { code: grpc.status.INVALID_ARGUMENT, details });
      return false;
    }
  }

  /** Whether the next message may come. */
  get #mayRead(): boolean {
    return !this.#reader.isBusy && this.#replies.queuedBytes <= MAX_QUEUED_BYTES;
  }

  #resume(): void {
    if (this.#stream.isPaused() && this.#mayRead) this.#stream.resume();
  }

  #answer(call: ReceivedCall, { header, trailer, response }: Reply<Uint8Array>): void {
    if (this.#calls[call.id] !== call) return;
    try {
      if (response.stream) throw new TypeError('a stream where one message was expected');
      const { message } = response;
      this.#replies.succeed(call.id, { header: call.header ?? header, trailer, message }, () => this.#forget(call));
      if (this.#replies.queuedBytes > UNREAD.held) this.#watchReader();
    } catch (fault) {
      this.#fail(call, this.#sendFailure(fault, call));
    }
  }

  /** Ends the tunnel of a client that doesn't read: its replies would fill the memory of this process. */
  #watchReader(): void {
    if (this.#replies.queuedBytes > UNREAD.most) this.#cutOff();
    if (this.#stall !== undefined || this.#broken) return;
    this.#hasRead = false;
    const look = () => {
      this.#stall = undefined;
      if (this.#broken || this.#replies.queuedBytes <= UNREAD.held) return;
      if (this.#hasRead) this.#watchReader();
      else this.#cutOff();
    };
    this.#stall = this.#options.clock.setTimer(UNREAD.stallMs, look, { keepAlive: false });
  }

  #cutOff(): void {
    const details = `the client leaves ${this.#replies.queuedBytes} bytes of replies unread`;
    this.#abandon();
    this.#stream.emit('error', { code: grpc.status.RESOURCE_EXHAUSTED, details });
  }

  #fail(call: ReceivedCall, fault: unknown): void {
    if (this.#calls[call.id] !== call) return;
    const error = fault instanceof RpcError ? fault : serverErrors.SERVER_FAILED({ cause: fault });
    this.#replies.fail(call, error);
    this.#forget(call);
  }

  /** The error of a call whose reply can't be sent. */
  #sendFailure(fault: unknown, { path, metadata }: ReceivedCall): RpcError {
    const traceId = receivedTraceId(metadata);
    this.#options.logger.error({ err: fault, method: path, traceId }, 'the reply cannot be sent');
    return serverErrors.UNSENDABLE_REPLY();
  }

  #forget(call: ReceivedCall): void {
    call.end();
    this.#calls[call.id] = undefined;
    this.#unanswered -= 1;
    this.#unansweredBytes -= call.request.message.length;
    this.#endIfDone();
  }

  /** The status of the stream comes after the last reply. */
  #endIfDone(): void {
    if (this.#unanswered === 0 && (this.#ended || this.#draining)) this.#replies.finish(() => this.#stream.end());
  }

  /** The stream is broken: no caller waits for the replies. */
  #abandon(): void {
    this.#broken = true;
    this.#stall?.cancel();
    this.#replies.close();
    for (const call of [...this.#calls]) {
      if (call === undefined) continue;
      call.context.end(cancelled());
      this.#forget(call);
    }
  }
}

/** What a call has from its tunnel. */
interface ReceivedFrom {
  readonly path: string;
  readonly peer: string;
  readonly client: Peer | undefined;
  readonly received: ReceivedAssertion | undefined;
  readonly clock: Clock;
}

/** A call as it came through a tunnel. */
class ReceivedCall implements ReceivedWireCall, CallInFlight {
  readonly id: number;
  readonly path: string;
  readonly responseStream = false;
  readonly metadata: Metadata;
  readonly deadline: number | undefined;
  readonly context = new CallContext();
  readonly request: { readonly stream: false; readonly message: Uint8Array };
  readonly peer: string;
  readonly identity: string | undefined;
  readonly received: ReceivedAssertion | undefined;
  readonly previousAttempts: number | undefined;
  /** Its place among the calls in flight. */
  slot = -1;
  readonly endless = false;
  /** The header that the handler has sent. In a tunnel it travels with the reply. */
  header: Metadata | undefined;
  /** Takes it out of the calls in flight. */
  end: () => void = () => undefined;

  constructor({ id, timeoutMs, previousAttempts, metadata, message }: CallFrame, from: ReceivedFrom) {
    const { path, peer, client, received, clock } = from;
    this.id = id;
    this.path = path;
    this.metadata = metadata;
    this.previousAttempts = previousAttempts;
    this.deadline = timeoutMs === undefined ? undefined : clock.now() + timeoutMs;
    this.request = { stream: false, message };
    this.peer = peer;
    this.identity = client?.identity;
    this.received = received;
  }

  sendHeader(header: Metadata): void {
    header.checkSendable();
    this.header ??= header.clone();
  }

  abort(reason: RpcError): void {
    this.context.end(reason);
  }

  settle(): void {}
}
