import * as grpc from '@grpc/grpc-js';
import { Metadata, type Payload, type Reply } from '../../call/index.js';
import type { Clock, Timer } from '../../clock/index.js';
import { RpcError, Status } from '../../status/index.js';
import type { WireCall } from '../transport.js';
import { Inbox } from './inbox.js';
import { fromGrpcMetadata, toError, toGrpcMetadata } from './wire.js';

/** What a call is carried with. */
export interface CarryOptions {
  readonly channel: grpc.Channel;
  readonly clock: Clock;
  /** Whether the connection still stands. */
  readonly connected: () => boolean;
}

/**
 * How long the server has to end a call at its deadline before the client resets its stream. HTTP/2 servers close a
 * connection on which many streams are reset, with every innocent call on it. Milliseconds.
 */
const SERVER_FIRST_MS = 150;

/** Carries one call over a channel that is ready. */
export function carry(wire: WireCall, options: CarryOptions): Promise<Reply<Uint8Array>> {
  return new Promise((resolve, reject) => {
    const call = options.channel.createCall(wire.path, Number.POSITIVE_INFINITY, null, null, null);
    const inbox = new Inbox(() => call.startRead());
    const trailer = new Metadata();
    let header: Metadata | undefined;
    const reply = (): Reply<Uint8Array> => ({
      header: header ?? new Metadata(),
      trailer,
      response: { stream: true, messages: inbox.read(() => call.cancelWithStatus(grpc.status.CANCELLED, 'reader left')) },
    });
    const release = cancelWith(call, wire.signal, options.clock);
    call.start(toGrpcMetadata(wire, options.clock), {
      onReceiveMetadata(metadata) {
        header = fromGrpcMetadata(metadata);
        if (wire.responseStream) resolve(reply());
      },
      onReceiveMessage: (message: Buffer) => inbox.push(message),
      onReceiveStatus(status) {
        release();
        if (status.code === grpc.status.OK) {
          for (const [key, value] of fromGrpcMetadata(status.metadata)) trailer.append(key, value);
          inbox.end();
          if (wire.responseStream) resolve(reply());
          else settleUnary(inbox, { header: header ?? new Metadata(), trailer, resolve, reject });
        } else {
          const error = toError(status, { headerReceived: header !== undefined, connected: options.connected() });
          inbox.end(error);
          reject(error);
        }
      },
    });
    send(call, wire.request).catch((error: unknown) => {
      inbox.end(error);
      reject(error);
      call.cancelWithStatus(grpc.status.CANCELLED, 'the request stream failed');
    });
    if (!wire.responseStream) call.startRead();
  });
}

interface UnaryEnd {
  readonly header: Metadata;
  readonly trailer: Metadata;
  readonly resolve: (reply: Reply<Uint8Array>) => void;
  readonly reject: (error: RpcError) => void;
}

function settleUnary(inbox: Inbox, { header, trailer, resolve, reject }: UnaryEnd): void {
  const message = inbox.first();
  if (message === undefined) reject(new RpcError(Status.INTERNAL, 'the server ended the call without a reply'));
  else resolve({ header, trailer, response: { stream: false, message } });
}

/** Cancels the call when its caller leaves; returns what stops that. */
function cancelWith(call: ReturnType<grpc.Channel['createCall']>, signal: AbortSignal, clock: Clock): () => void {
  let backstop: Timer | undefined;
  const onAbort = () => {
    const expired = signal.reason instanceof RpcError && signal.reason.code === Status.DEADLINE_EXCEEDED;
    const cancel = () => call.cancelWithStatus(grpc.status.CANCELLED, 'the caller left');
    if (expired) backstop = clock.setTimer(SERVER_FIRST_MS, cancel, { keepAlive: false });
    else cancel();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return () => {
    signal.removeEventListener('abort', onAbort);
    backstop?.cancel();
  };
}

async function send(call: ReturnType<grpc.Channel['createCall']>, request: Payload<Uint8Array>): Promise<void> {
  if (!request.stream) {
    call.sendMessageWithContext({}, toBuffer(request.message));
  } else {
    for await (const message of request.messages) {
      // Waits until the connection has taken it: HTTP/2's flow control reaches the producer.
      await new Promise<void>((resolve) => {
        call.sendMessageWithContext({ callback: () => resolve() }, toBuffer(message));
      });
    }
  }
  call.halfClose();
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
