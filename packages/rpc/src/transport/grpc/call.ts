import * as grpc from '@grpc/grpc-js';
import { type Clock, type Timer, yieldToEventLoop } from '@rondo/base';
import type { Reply } from '../../call/call.js';
import { Metadata } from '../../call/metadata.js';
import { clientErrors } from '../../errors/client.js';
import { transportErrors } from '../../errors/transport.js';
import { Status } from '../../status/code.js';
import type { RpcError } from '../../status/rpc-error.js';
import { holdProcess } from '../hold-process.js';
import type { WireCall } from '../transport.js';
import type { ActiveCalls } from './active-calls.js';
import { type CallListener, type DirectCall, type StartedCall, startDirectly } from './direct-call.js';
import { Inbox } from './inbox.js';
import { toBuffer } from './metadata.js';
import { DEFAULT_MAX_REPLY_BYTES, type GrpcTransportOptions } from './options.js';
import type { ResetPacer } from './reset-pacer.js';
import { bodyForGrpcJs, SendQueue } from './send-queue.js';
import { type FailedCall, fromGrpcMetadata, isGrpc, toError, toGrpcMetadata } from './wire.js';

type GrpcCall = ReturnType<grpc.Channel['createCall']>;

/** What a call needs of its connection. */
export interface CarryOptions {
  readonly channel: grpc.Channel;
  readonly clock: Clock;
  readonly settings: GrpcTransportOptions;
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

/** Carries one call over a ready channel. Most calls are unary, so this path is kept short. */
export function carry(wire: WireCall, options: CarryOptions): Promise<Reply<Uint8Array>> {
  const { responseStream, request } = wire;
  if (responseStream || request.stream) return carryStream(wire, options);
  return new Promise((resolve, reject) => {
    let header: grpc.Metadata | undefined;
    let message: Uint8Array | Promise<Uint8Array> | undefined;
    const listener: CallListener = {
      onReceiveMetadata(metadata) {
        wire.times?.onHeader();
        header = metadata;
      },
      onReceiveMessage(received) {
        if (message !== undefined) return refuse(received);
        message = received;
        // Without this read, a second reply would hold back the status.
        call.startRead();
      },
      onReceiveStatus(status) {
        release();
        options.active.inFlight.delete(inFlight);
        if (status.code === grpc.status.OK)
          resolveUnary(message, { header, trailer: status.metadata, resolve, reject });
        else reject(toError(status, failedCall(wire, header, options)));
      },
    };
    const call = startUnary(wire, { message: request.message, listener }, options);
    const { reset, release } = resetWith(call, wire, options);
    const refuse = (second: Uint8Array | Promise<Uint8Array>) => {
      // If one of both can't be decompressed, that explains more.
      const both = Promise.all([message, second]).then(() => Promise.reject(clientErrors.SECOND_REPLY()));
      message = both;
      both.catch((error) => {
        reject(error);
        reset();
      });
    };
    const abandon = () => {
      reject(transportErrors.SILENT({ reach: 'unknown' }));
      reset();
    };
    const inFlight = { context: wire.context, abandon };
    options.active.inFlight.add(inFlight);
    call.startRead();
  });
}

/** Begins a unary call and sends its request. */
function startUnary(
  wire: WireCall,
  request: Pick<DirectCall, 'message' | 'listener'>,
  { channel, clock, settings }: CarryOptions,
): StartedCall {
  const { path } = wire;
  const metadata = toGrpcMetadata(wire, clock);
  const { compression, maxReplyBytes = DEFAULT_MAX_REPLY_BYTES } = settings;
  const direct =
    compression === 'gzip' ? undefined : startDirectly(channel, { path, metadata, maxReplyBytes, ...request });
  if (direct !== undefined) return direct;
  const call = channel.createCall(path, Number.POSITIVE_INFINITY, null, null, null);
  call.start(metadata, request.listener);
  sendOne(call, request.message, wire);
  return call;
}

function carryStream(wire: WireCall, options: CarryOptions): Promise<Reply<Uint8Array>> {
  return new Promise((resolve, reject) => {
    const call = options.channel.createCall(wire.path, Number.POSITIVE_INFINITY, null, null, null);
    const inbox = new Inbox(() => call.startRead());
    const trailer = new Metadata();
    let header: grpc.Metadata | undefined;
    // At the deadline the server ends the stream.
    const leave = () => {
      if (wire.context.reason === undefined) reset();
    };
    const reply = (): Reply<Uint8Array> => ({
      header: header === undefined ? new Metadata() : fromGrpcMetadata(header),
      trailer,
      response: { stream: true, messages: inbox.read(leave) },
    });
    const requests = wire.request.stream ? wire.request.messages[Symbol.asyncIterator]() : undefined;
    call.start(toGrpcMetadata(wire, options.clock), {
      onReceiveMetadata(metadata) {
        header = metadata;
        if (wire.responseStream && isGrpc(metadata)) resolve(reply());
      },
      onReceiveMessage(message: Buffer) {
        if (!wire.responseStream) {
          if (inbox.first() !== undefined) return fail(clientErrors.SECOND_REPLY());
          // A server that has sent its one reply takes no more requests. A request that is written after its status was
          // read would fail, and grpc-js would report that failure instead of OK.
          void requests?.return?.();
        }
        inbox.push(message);
      },
      onReceiveStatus(status) {
        release();
        if (status.code === grpc.status.OK) {
          trailer.receive(fromGrpcMetadata(status.metadata));
          inbox.end();
          if (wire.responseStream) resolve(reply());
          else resolveUnary(inbox.first(), { header, trailer: status.metadata, resolve, reject });
        } else {
          const error = toError(status, failedCall(wire, header, options));
          inbox.end(error);
          reject(error);
        }
      },
    });
    const { reset, release } = resetWith(call, wire, options);
    const fail = (error: unknown) => {
      inbox.end(error);
      reject(error);
      leave();
    };
    if (requests !== undefined) sendAll(call, requests, wire).catch(fail);
    else if (!wire.request.stream) sendOne(call, wire.request.message, wire);
    inbox.open();
  });
}

function failedCall(
  { path, deadline }: WireCall,
  header: grpc.Metadata | undefined,
  options: CarryOptions,
): FailedCall {
  const expired = deadline !== undefined && options.clock.now() >= deadline;
  return { path, header, connected: options.connected(), expired };
}

interface UnaryEnd {
  readonly header: grpc.Metadata | undefined;
  readonly trailer: grpc.Metadata;
  readonly resolve: (reply: Reply<Uint8Array>) => void;
  readonly reject: (error: RpcError) => void;
}

function resolveUnary(message: Uint8Array | Promise<Uint8Array> | undefined, end: UnaryEnd): void {
  const { header, trailer, resolve, reject } = end;
  if (message instanceof Promise) {
    message.then((decompressed) => resolveUnary(decompressed, end), reject);
    return;
  }
  if (message === undefined) reject(clientErrors.NO_REPLY());
  else {
    resolve({
      header: header === undefined ? new Metadata() : fromGrpcMetadata(header),
      trailer: fromGrpcMetadata(trailer),
      response: { stream: false, message },
    });
  }
}

/** Ends a call from the client's side. */
interface Reset {
  /** Resets the stream as soon as the connection can bear it. */
  readonly reset: () => void;
  /** Releases everything: the call has ended. */
  readonly release: () => void;
}

/** Resets a started call when its caller cancels, or at once if it has. */
function resetWith(call: StartedCall, wire: WireCall, { clock, resets, active }: CarryOptions): Reset {
  const { context } = wire;
  const stream = wire.responseStream || wire.request.stream;
  let wanted = wire.background !== true;
  if (wanted) active.begin(stream);
  const leave = () => {
    if (wanted) active.leave(stream);
    wanted = false;
  };
  const hold = holdProcess(wire, clock);
  let backstop: Timer | undefined;
  let withdraw: (() => void) | undefined;
  let ended = false;
  const cancel = () => call.cancelWithStatus(grpc.status.CANCELLED, 'the caller left');
  const reset = () => {
    leave();
    // grpc-js opens the stream of a call in the same turn of the event loop as `start`, even if the call was cancelled
    // before; nothing would end the stream then.
    void yieldToEventLoop().then(() => {
      if (!ended) withdraw ??= resets.pace(cancel);
    });
  };
  const onLimit = () => {
    leave();
    const expired = context.reason?.code === Status.DEADLINE_EXCEEDED;
    if (expired) backstop = clock.setTimer(SERVER_FIRST_MS, reset, { keepAlive: false });
    else reset();
  };
  context.onEnd(onLimit);
  const release = () => {
    ended = true;
    context.offEnd(onLimit);
    hold?.cancel();
    backstop?.cancel();
    withdraw?.();
    leave();
  };
  return { reset, release };
}

/** Shorter messages aren't compressed, because gzip saves next to nothing. Bytes. */
const MIN_COMPRESSED_BYTES = 1_024;
/** grpc-js's flag for a message that stays uncompressed on a connection with compression. */
const NO_COMPRESS = 2;

function flagsOf({ length }: Uint8Array, { compression }: WireCall): number {
  return compression === 'identity' || length < MIN_COMPRESSED_BYTES ? NO_COMPRESS : 0;
}

function sendOne(call: GrpcCall, message: Uint8Array, wire: WireCall): void {
  call.sendMessageWithContext({ flags: flagsOf(message, wire) }, toBuffer(message));
  call.halfClose();
}

async function sendAll(call: GrpcCall, messages: AsyncIterator<Uint8Array>, wire: WireCall): Promise<void> {
  const queue = new SendQueue((together, taken) => {
    const body = bodyForGrpcJs(together);
    const flags = together.messages.length > 1 ? NO_COMPRESS : flagsOf(body, wire);
    call.sendMessageWithContext({ flags, callback: taken }, body);
  });
  for (let step = await messages.next(); step.done !== true; step = await messages.next()) {
    const full = queue.send(step.value);
    if (full !== undefined) await full;
  }
  // grpc-js would take the end of the requests before a message that it still holds.
  await queue.taken();
  call.halfClose();
}
