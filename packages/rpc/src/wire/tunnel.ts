import type { ServerHttp2Stream } from 'node:http2';
import type { Timer } from '@rondo/base';
import { ConnectResponse, type Hello } from '@rondo/contracts/rondo/tunnel/v1/tunnel';
import type { Reply } from '../call/call.js';
import { cancelled } from '../call/call-context.js';
import { Metadata } from '../call/metadata.js';
import { serverErrors } from '../errors/server.js';
import type { ReceivedAssertion } from '../principal/verifier.js';
import { RpcError } from '../status/rpc-error.js';
import { KnownAssertions } from '../transport/tunnel/assertions.js';
import { type RequestListener, readRequest } from '../transport/tunnel/frame-reader.js';
import {
  type CallFrame,
  MAX_CALLS,
  MAX_METHODS,
  MAX_REQUEST_BYTES,
  MAX_UNANSWERED_BYTES,
  METHOD_PATH,
  TUNNEL_PATH,
  TUNNEL_VERSION,
} from '../transport/tunnel/frames.js';
import { FRAMES_A_TURN, MessageReader } from '../transport/tunnel/message-reader.js';
import { type FieldReader, FrameError } from '../transport/tunnel/wire-format.js';
import { Answer, type GrpcOptions, type OpenedStream, sendFailure } from './answer.js';
import type { CallInFlight } from './grpc-call.js';
import { MAX_TUNNELS, MAX_UNFINISHED, UNREAD } from './limits.js';
import { type Connection, MessageReader as MessageFraming, type MessageRules } from './requests.js';
import { TunnelReplies } from './tunnel-replies.js';
import { ReceivedCall } from './tunnelled-call.js';

/** The unread bytes above which a client's requests aren't read either. */
const MAX_QUEUED_BYTES = 1_024 * 1_024;

/** What the tunnels of a server share. */
interface TunnelOptions extends Omit<GrpcOptions, 'decompressions'> {
  /** Runs when a call begins. The returned function runs when it has ended. */
  readonly begin: (call: CallInFlight) => () => void;
}

/** The tunnels of a server: the frames of each go to the same router as plain calls. */
export class Tunnels {
  readonly #options: TunnelOptions;
  readonly #open = new Set<Tunnel>();
  #draining = false;

  constructor(options: TunnelOptions) {
    this.#options = options;
  }

  serve({ stream, connection }: OpenedStream): void {
    stream.on('error', () => undefined);
    if (connection.tunnels >= MAX_TUNNELS) {
      new Answer(stream, this.#options.clock).fail(serverErrors.TOO_MANY_TUNNELS({ most: MAX_TUNNELS }), TUNNEL_PATH);
      return;
    }
    connection.tunnels += 1;
    const tunnel = new Tunnel({ stream, connection }, this.#options);
    this.#open.add(tunnel);
    stream.once('close', () => {
      this.#open.delete(tunnel);
      connection.tunnels -= 1;
    });
    if (this.#draining) tunnel.drain();
  }

  /** Takes no more calls. Each tunnel ends once its calls are answered. */
  drain(): void {
    this.#draining = true;
    for (const tunnel of this.#open) tunnel.drain();
  }
}

/** The server's end of one tunnel: gives its calls to the router. */
class Tunnel implements RequestListener, MessageRules {
  readonly #stream: ServerHttp2Stream;
  readonly #connection: Connection;
  readonly #answer: Answer;
  readonly #options: TunnelOptions;
  readonly #replies: TunnelReplies;
  readonly #framing = new MessageFraming(this, true);
  readonly #reader = new MessageReader(
    (fields) => this.#readFrames(fields),
    () => this.#resume(),
  );
  /** What the connection holds of a message that isn't complete. */
  #heldBytes = 0;
  /** Whether messages wait until there is room for what they cause. */
  #waits = false;
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

  constructor({ stream, connection }: Pick<OpenedStream, 'stream' | 'connection'>, options: TunnelOptions) {
    this.#stream = stream;
    this.#connection = connection;
    this.#answer = new Answer(stream, options.clock);
    this.#options = options;
    const { certificate } = connection.client ?? {};
    this.#assertions = certificate && new KnownAssertions((assertion) => ({ assertion, certificate }));
    this.#replies = new TunnelReplies(this.#write, () => {
      this.#hasRead = true;
      this.#resume();
    });
    stream.on('data', (chunk: Buffer) => {
      this.#framing.push(chunk);
      this.#read();
    });
    stream.on('end', () => {
      this.#ended = true;
      this.#endIfDone();
    });
    stream.once('close', () => {
      this.#answer.close();
      this.#abandon();
      this.#hold(0);
    });
  }

  checkPrefix(flags: number, length: number): void {
    const maxBytes = this.#options.maxRequestBytes;
    if (length > maxBytes) throw serverErrors.REQUEST_TOO_LONG({ bytes: length, maxBytes });
    if (flags !== 0) throw new FrameError('the messages of a tunnel are not compressed');
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
    const call = new ReceivedCall(frame, { path, connection: this.#connection, received, clock });
    this.#calls[id] = call;
    this.#unanswered += 1;
    this.#unansweredBytes += message.length;
    call.end = begin(call);
    handle(call).then(
      (reply) => this.#reply(call, reply),
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
    this.#write(Buffer.from(ConnectResponse.encode(ConnectResponse.fromPartial(response)).finish()), () => undefined);
  }

  readonly #write = (batch: Buffer, taken: () => void): void => {
    this.#answer.respond(NO_METADATA);
    this.#answer.write({ messages: [batch], bytes: batch.length }, taken);
  };

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

  /** Reads messages as long as there is room for what they cause. */
  #read(): void {
    try {
      while (this.#mayRead) {
        const message = this.#framing.next();
        if (message === undefined) {
          this.#hold(this.#framing.heldBytes);
          this.#stream.resume();
          return;
        }
        this.#reader.read(message.data);
      }
      this.#waits = true;
      this.#stream.pause();
    } catch (fault) {
      this.#breakOff(fault);
    }
  }

  #readFrames(fields: FieldReader): boolean {
    if (this.#broken) return false;
    try {
      return readRequest(fields, this, FRAMES_A_TURN);
    } catch (fault) {
      this.#breakOff(fault);
      return false;
    }
  }

  #hold(bytes: number): void {
    const more = bytes - this.#heldBytes;
    this.#heldBytes = bytes;
    if (more === 0 || this.#connection.hold(more)) return;
    const most = MAX_UNFINISHED * this.#options.maxRequestBytes;
    throw serverErrors.TOO_MUCH_AT_ONCE({ most }, { handled: 'never' });
  }

  /** Ends the tunnel because of what its client has sent. */
  #breakOff(fault: unknown): void {
    if (!(fault instanceof FrameError) && !(fault instanceof RpcError)) throw fault;
    this.#end(fault instanceof RpcError ? fault : serverErrors.UNREADABLE_FRAMES({ reason: fault.message }));
  }

  #end(error: RpcError): void {
    this.#abandon();
    this.#answer.fail(error, TUNNEL_PATH);
  }

  /** Whether the next message may be read. What comes after the tunnel has ended is forgotten. */
  get #mayRead(): boolean {
    return this.#broken || (!this.#reader.isBusy && this.#replies.queuedBytes <= MAX_QUEUED_BYTES);
  }

  #resume(): void {
    if (!this.#waits || !this.#mayRead) return;
    this.#waits = false;
    this.#read();
  }

  #reply(call: ReceivedCall, { header, trailer, response }: Reply<Uint8Array>): void {
    if (this.#calls[call.id] !== call) return;
    try {
      if (response.stream) throw new TypeError('a stream where one message was expected');
      const { message } = response;
      this.#replies.succeed(call.id, { header: call.header ?? header, trailer, message }, () => this.#forget(call));
      if (this.#replies.queuedBytes > UNREAD.held) this.#watchReader();
    } catch (fault) {
      this.#fail(call, sendFailure(fault, call, this.#options.logger));
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
    this.#end(serverErrors.UNREAD_REPLIES({ bytes: this.#replies.queuedBytes }));
  }

  #fail(call: ReceivedCall, fault: unknown): void {
    if (this.#calls[call.id] !== call) return;
    const error = fault instanceof RpcError ? fault : serverErrors.SERVER_FAILED({ cause: fault });
    this.#replies.fail(call, error);
    this.#forget(call);
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
    if (this.#unanswered === 0 && (this.#ended || this.#draining)) this.#replies.finish(this.#finish);
  }

  readonly #finish = (): void => this.#answer.succeed(NO_METADATA, NO_METADATA);

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

const NO_METADATA = new Metadata();
