import type { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import * as grpc from '@grpc/grpc-js';
import type { CallOptions } from '@rondo/rpc/client';
import { entriesOf, toBuffer, toGrpcJs, toStatus } from './translate.js';

/** Makes a call of any kind with encoded messages. */
export type Exchange = (requests: AsyncIterable<Uint8Array>, options: CallOptions) => AsyncIterable<Uint8Array>;

/** The call as grpc-js's surface sees it: the type that a client's last interceptor returns. */
type OutgoingCall = ReturnType<grpc.NextCall>;
type Listener = NonNullable<Parameters<OutgoingCall['start']>[1]>;
type MessageContext = Parameters<OutgoingCall['sendMessageWithContext']>[0];

/**
 * One call of a client of grpc-js, made by `exchange`. The client gets the next reply of a stream when it asks for
 * it, and may write the next request once the last one has been sent.
 *
 * @throws TypeError for options that Rondo can't follow.
 */
export function startOutgoing(options: grpc.InterceptorOptions, exchange: Exchange): OutgoingCall {
  const { method_definition: method } = options;
  if (options.host) throw unsupported('host', 'a channel of Rondo finds the instances by the name of the service');
  if (options.credentials) throw unsupported('credentials', 'put them into the metadata of the call');
  const requests = new PassThrough({ objectMode: true, highWaterMark: 1 });
  let onTaken: (() => void) | undefined;
  const stop = new AbortController();
  let cancelled: grpc.StatusObject | undefined;
  let wanted = 0;
  let wake = () => {};

  function cancel(code: grpc.status, details: string): void {
    cancelled ??= { code, details, metadata: new grpc.Metadata() };
    stop.abort();
    requests.destroy();
    wake();
  }

  function send({ callback }: MessageContext, message: unknown): void {
    try {
      const encoded = method.requestSerialize(message);
      onTaken = () => {
        onTaken = undefined;
        callback?.();
      };
      requests.write(encoded, onTaken);
    } catch (error) {
      cancel(grpc.status.INTERNAL, `Request message serialization failure: ${toStatus(error).details}`);
    }
  }

  /** Waits until the client asks for a reply. */
  async function untilWanted(): Promise<void> {
    while (wanted === 0 && !stop.signal.aborted)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    stop.signal.throwIfAborted();
    wanted -= 1;
  }

  async function run(metadata: grpc.Metadata, listener: Listener): Promise<void> {
    let trailer = new grpc.Metadata();
    const replies = exchange(requests, {
      ...callOptions(options, metadata),
      signal: stop.signal,
      onHeader: (header) => tell(() => listener.onReceiveMetadata?.(toGrpcJs(header))),
      onTrailer: (received) => {
        trailer = toGrpcJs(received);
      },
    });
    try {
      for await (const reply of replies) {
        if (method.responseStream) await untilWanted();
        const message = decode(method, reply);
        tell(() => listener.onReceiveMessage?.(message));
      }
      tell(() => listener.onReceiveStatus?.({ code: grpc.status.OK, details: 'OK', metadata: trailer }));
    } catch (error) {
      tell(() => listener.onReceiveStatus?.(cancelled ?? toStatus(error)));
    } finally {
      requests.destroy();
      onTaken?.();
    }
  }

  const parent: EventEmitter | undefined = options.parent;
  if (propagates(options, grpc.propagate.CANCELLATION))
    parent?.on('cancelled', () => cancel(grpc.status.CANCELLED, 'Cancelled by parent call'));
  return {
    start: (metadata, listener = {}) => void run(metadata, listener),
    sendMessageWithContext: send,
    sendMessage: (message) => send({}, message),
    halfClose: () => void requests.end(),
    startRead() {
      wanted += 1;
      wake();
    },
    cancelWithStatus: cancel,
    getPeer: () => 'unknown',
    getAuthContext: () => null,
  };
}

/** In a turn of its own, as grpc-js does: what a listener throws is an uncaught exception, and no failure of the call. */
function tell(work: () => void): void {
  process.nextTick(work);
}

function decode({ responseDeserialize }: grpc.InterceptorOptions['method_definition'], reply: Uint8Array): unknown {
  try {
    return responseDeserialize(toBuffer(reply));
  } catch (cause) {
    throw new Error(`Response message parsing error: ${toStatus(cause).details}`, { cause });
  }
}

function callOptions(options: grpc.InterceptorOptions, metadata: grpc.Metadata): CallOptions {
  const { waitForReady } = metadata.getOptions();
  const inherited = propagates(options, grpc.propagate.DEADLINE) ? options.parent?.getDeadline() : undefined;
  const deadlines = [options.deadline, inherited].filter((one) => one !== undefined).map(Number);
  const earliest = Math.min(...deadlines);
  return {
    metadata: entriesOf(metadata),
    ...(waitForReady !== undefined && { waitForReady }),
    ...(earliest !== Number.POSITIVE_INFINITY && { deadline: new Date(earliest) }),
    ...(options.deadline === Number.POSITIVE_INFINITY && { timeoutMs: options.deadline }),
  };
}

function propagates(options: grpc.CallOptions, what: grpc.propagate): boolean {
  return ((options.propagate_flags ?? grpc.propagate.DEFAULTS) & what) !== 0;
}

function unsupported(option: string, instead: string): TypeError {
  return new TypeError(`the option ${option} of a grpc-js call isn't supported: ${instead}`);
}
