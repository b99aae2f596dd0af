import * as grpc from '@grpc/grpc-js';
import { type Clock, type Timer, yieldToEventLoop } from '@rondo/base';
import type { Reply } from '../../call/call.js';
import type { CallContext } from '../../call/call-context.js';
import { Metadata } from '../../call/metadata.js';
import { clientErrors } from '../../errors/client.js';
import { transportErrors } from '../../errors/transport.js';
import { Status } from '../../status/code.js';
import type { RpcError } from '../../status/rpc-error.js';
import { TransportError } from '../../status/wire-errors.js';
import type { WireCall } from '../transport.js';
import { type ActiveCalls, type CallInFlight, holdProcess } from './active-calls.js';
import { Inbox } from './inbox.js';
import { LONG_BYTES } from './length-prefix.js';
import type { ResetPacer } from './reset-pacer.js';
import { fromGrpcMetadata, isGrpc, toError, toGrpcMetadata, untakenCall } from './wire.js';

/** What carries calls. */
export interface Carrier {
  readonly client: grpc.Client;
  readonly clock: Clock;
  /** Paces the resets of streams. */
  readonly resets: ResetPacer;
  readonly active: ActiveCalls;
  /** Whether the connection is still ready. */
  readonly connected: () => boolean;
}

/**
 * How long the client leaves it to the server to end a call at its deadline, before the client resets the stream.
 * HTTP/2 servers close a connection on which many streams are reset, with every other call on it. Milliseconds.
 */
const SERVER_FIRST_MS = 150;

/** Carries one call over a connection. */
export function carry(wire: WireCall, carrier: Carrier): Promise<Reply<Uint8Array>> {
  if (wire.context.reason !== undefined) return Promise.reject(callerLeft());
  return new Promise((resolve, reject) => {
    try {
      new CarriedCall({ wire, carrier, resolve, reject });
    } catch (fault) {
      reject(untakenCall(fault));
    }
  });
}

interface CarriedCallOptions {
  readonly wire: WireCall;
  readonly carrier: Carrier;
  readonly resolve: (reply: Reply<Uint8Array>) => void;
  readonly reject: (error: unknown) => void;
}

/** One call that grpc-js carries. */
class CarriedCall implements CallInFlight {
  readonly context: CallContext;
  readonly #options: CarriedCallOptions;
  readonly #call: grpc.ClientReadableStream<Buffer>;
  readonly #unary: boolean;
  readonly #hold: Timer | undefined;
  #trailer = NONE;
  #header: grpc.Metadata | undefined;
  #status: grpc.StatusObject | undefined;
  #requests: AsyncIterator<Uint8Array> | undefined;
  /** The only reply. */
  #reply: Buffer | undefined;
  /** The replies of a stream. */
  readonly #inbox: Inbox | undefined;
  /** Whether its caller waits for it. */
  #awaited: boolean;
  /** Ends the call if the server doesn't end it at its deadline. */
  #backstop: Timer | undefined;
  #withdrawReset: (() => void) | undefined;
  #ended = false;

  /** @throws Error if the connection takes no calls. */
  constructor(options: CarriedCallOptions) {
    const { wire, carrier } = options;
    const { path, request, responseStream, context } = wire;
    const { client, clock, active } = carrier;
    this.context = context;
    this.#options = options;
    this.#unary = !responseStream && !request.stream;
    const metadata = toGrpcMetadata(wire, clock);
    const settings: grpc.CallOptions = {};
    if (responseStream) {
      this.#inbox = new Inbox();
      this.#trailer = new Metadata();
      settings.interceptors = [this.#inbox.interceptor];
    }
    if (request.stream) {
      const call = client.makeBidiStreamRequest(path, toBuffer, asGiven, metadata, settings);
      this.#call = call;
      void this.#send(call, request.messages[Symbol.asyncIterator]());
    } else {
      // By a stream of replies grpc-js reports a second reply to a unary call, too.
      this.#call = client.makeServerStreamRequest(path, toBuffer, asGiven, request.message, metadata, settings);
    }
    this.#hold = holdProcess(wire, clock);
    this.#awaited = wire.background !== true;
    if (this.#awaited) active.begin(!this.#unary);
    if (this.#unary) active.inFlight.add(this);
    context.onEnd(this.#onLimit);
    this.#call.on('metadata', this.#onHeader).on('data', this.#onMessage).on('status', this.#onStatus);
    // Its status says the same.
    this.#call.on('error', ignore).on('end', this.#onEnd);
  }

  /** Fails the call, because its peer is silent. */
  abandon(): void {
    this.#fail(transportErrors.SILENT({ reach: 'unknown' }));
  }

  /** Sends requests as fast as the connection takes them: at most 16 short ones, or a long one, are ahead of it. */
  async #send(call: grpc.ClientDuplexStream<Uint8Array, Buffer>, requests: AsyncIterator<Uint8Array>): Promise<void> {
    this.#requests = requests;
    const ended = new Promise<void>((resolve) => call.once('end', resolve));
    try {
      for (let step = await requests.next(); step.done !== true; step = await requests.next()) {
        const message = step.value;
        let hasRoom = message.length < LONG_BYTES;
        const taken = new Promise<void>((resolve) => {
          hasRoom = call.write(message, () => resolve()) && hasRoom;
        });
        if (!hasRoom) await Promise.race([taken, ended]);
      }
      call.end();
    } catch (error) {
      this.#fail(error);
    }
  }

  readonly #onHeader = (header: grpc.Metadata): void => {
    const { wire, resolve } = this.#options;
    wire.times?.onHeader();
    this.#header = header;
    if (wire.responseStream && isGrpc(header)) resolve(this.#answer());
  };

  readonly #onMessage = (message: Buffer): void => {
    if (this.#inbox !== undefined) this.#inbox.push(message);
    else if (this.#reply !== undefined) this.#fail(clientErrors.SECOND_REPLY());
    else {
      this.#reply = message;
      // A server that has sent its one reply takes no more requests. A request that is written after its status was
      // read would fail, and grpc-js would report that failure instead of OK.
      void this.#requests?.return?.();
    }
  };

  readonly #onStatus = (status: grpc.StatusObject): void => {
    this.#status = status;
  };

  /** Everything has come: it may be that messages come after the status. */
  readonly #onEnd = (): void => {
    const { resolve, reject, carrier } = this.#options;
    this.#ended = true;
    this.context.offEnd(this.#onLimit);
    this.#hold?.cancel();
    this.#backstop?.cancel();
    this.#withdrawReset?.();
    carrier.active.inFlight.delete(this);
    this.#leave();
    try {
      if (this.#status?.code !== grpc.status.OK) throw this.#error();
      const trailer = fromGrpcMetadata(this.#status.metadata);
      if (this.#inbox === undefined) this.#trailer = trailer;
      // Its reader may have it already.
      else this.#trailer.receive(trailer);
      this.#inbox?.end();
      resolve(this.#answer());
    } catch (error) {
      this.#inbox?.end(error);
      reject(error);
    }
  };

  /** @throws RpcError if the server has sent none. */
  #answer(): Reply<Uint8Array> {
    const header = this.#header === undefined ? new Metadata() : fromGrpcMetadata(this.#header);
    const trailer = this.#trailer;
    if (this.#inbox === undefined) {
      if (this.#reply === undefined) throw clientErrors.NO_REPLY();
      return { header, trailer, response: { stream: false, message: this.#reply } };
    }
    // At the deadline the server ends the stream.
    const leave = () => {
      if (this.context.reason === undefined) this.#reset();
    };
    return { header, trailer, response: { stream: true, messages: this.#inbox.read(leave) } };
  }

  #error(): RpcError {
    if (this.#status === undefined || this.#withdrawReset !== undefined) return callerLeft();
    const { wire, carrier } = this.#options;
    const expired = wire.deadline !== undefined && carrier.clock.now() >= wire.deadline;
    return toError(this.#status, { path: wire.path, header: this.#header, connected: carrier.connected(), expired });
  }

  #fail(error: unknown): void {
    this.#inbox?.end(error);
    this.#options.reject(error);
    this.#reset();
  }

  /** The caller has stopped waiting. If the reason is the deadline, the server ends the call by itself. */
  readonly #onLimit = (): void => {
    this.#leave();
    const { clock } = this.#options.carrier;
    if (this.context.reason?.code !== Status.DEADLINE_EXCEEDED) this.#reset();
    else this.#backstop = clock.setTimer(SERVER_FIRST_MS, () => this.#reset(), { keepAlive: false });
  };

  #leave(): void {
    if (!this.#awaited) return;
    this.#awaited = false;
    this.#options.carrier.active.leave(!this.#unary);
  }

  /** Resets the stream as soon as the connection can bear it. */
  #reset(): void {
    this.#leave();
    // grpc-js opens the stream of a call in the turn of the event loop in which it begins, even if it was cancelled before; nothing
    // would end the stream then.
    void yieldToEventLoop().then(() => {
      if (!this.#ended) this.#withdrawReset ??= this.#options.carrier.resets.pace(() => this.#call.cancel());
    });
  }
}

const NONE = new Metadata();

function ignore(): void {}

const asGiven = (message: Buffer) => message;

function callerLeft(): TransportError {
  // biome-ignore lint/plugin: the caller has its own error by then.
  return new TransportError(Status.CANCELLED, 'the caller left', { reach: 'unknown' });
}

/** A message as grpc-js takes it: the same bytes, not a copy. */
function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
