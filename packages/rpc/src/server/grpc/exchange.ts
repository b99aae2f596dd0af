import * as grpc from '@grpc/grpc-js';
import {
  CallLimit,
  cancelled,
  deadlineExceeded,
  Metadata,
  type MetadataSource,
  type MetadataValue,
  NOT_HANDLED,
  type Payload,
} from '../../call/index.js';
import { type Clock, millisecondsUntil } from '../../clock/index.js';
import type { Method } from '../../contract/index.js';
import { encodeStatusDetails, RpcError, STATUS_DETAILS, Status } from '../../status/index.js';
import { addTo, forEachEntry } from '../../transport/grpc/metadata.js';
import { notHandledMark, type WireCall } from '../../transport/index.js';

/** What all of grpc-js's server calls have in common. */
interface SurfaceCall {
  readonly metadata: grpc.Metadata;
  getPeer(): string;
  getDeadline(): grpc.Deadline;
  sendMetadata(metadata: grpc.Metadata): void;
  on(event: 'cancelled', listener: () => void): unknown;
}

/** One call in flight on a grpc-js server. */
export interface Exchange {
  readonly wire: WireCall;
  /** Whether only its caller, or an abort, ever ends it: a response stream without a deadline. */
  readonly endless: boolean;
  /** Ends the call from this side with a status of its own. */
  abort(reason: RpcError): void;
  /** The call has its outcome: what comes after says nothing of its caller. */
  settle(): void;
}

/** What a grpc-js call is translated with. */
export interface ExchangeOptions {
  readonly method: Pick<Method, 'path' | 'responseStream' | 'policy'>;
  readonly request: Payload<Uint8Array>;
  readonly clock: Clock;
}

/** Translates a grpc-js call. */
export function toExchange(call: SurfaceCall, { method, request, clock }: ExchangeOptions): Exchange {
  const limit = new CallLimit();
  const expiresAt = call.getDeadline();
  const allowedMs = expiresAt === Number.POSITIVE_INFINITY ? undefined : millisecondsUntil(expiresAt);
  const deadline = allowedMs === undefined ? undefined : clock.now() + allowedMs;
  let ended = false;
  // grpc-js cancels a call at its deadline, too, and one that has ended well.
  call.on('cancelled', () => {
    if (!ended) limit.end(isOver(deadline, clock) ? deadlineExceeded(allowedMs ?? 0, 'caller') : cancelled());
  });
  return {
    wire: new ReceivedCall(call, { method, deadline, limit, request }),
    endless: method.responseStream && deadline === undefined && method.policy.timeoutMs === undefined,
    abort: (reason) => limit.end(reason),
    settle() {
      ended = true;
    },
  };
}

/** A call as grpc-js has received it; its metadata stays there. */
class ReceivedCall implements WireCall, MetadataSource {
  readonly path: string;
  readonly responseStream: boolean;
  readonly metadata = Metadata.over(this);
  readonly deadline: number | undefined;
  readonly limit: CallLimit;
  readonly request: Payload<Uint8Array>;
  /** Asked at once: grpc-js forgets it when the call has ended. */
  readonly peer: string;
  readonly #call: SurfaceCall;

  constructor(
    call: SurfaceCall,
    {
      method,
      deadline,
      limit,
      request,
    }: Pick<WireCall, 'deadline' | 'limit' | 'request'> & Pick<ExchangeOptions, 'method'>,
  ) {
    this.path = method.path;
    this.responseStream = method.responseStream;
    this.deadline = deadline;
    this.limit = limit;
    this.request = request;
    this.peer = call.getPeer();
    this.#call = call;
  }

  /** Grpc-js sends one header a call, and lets further ones be. */
  sendHeader(header: Metadata): void {
    this.#call.sendMetadata(toGrpcMetadata(header));
  }

  getAll(key: string): readonly MetadataValue[] {
    return this.#call.metadata.get(key);
  }

  forEach(visit: (key: string, value: MetadataValue) => void): void {
    forEachEntry(this.#call.metadata, visit);
  }
}

/** How much sooner than by the clock a timer may fire. Milliseconds. */
const EARLY_MS = 1;

function isOver(deadline: number | undefined, clock: Clock): boolean {
  return deadline !== undefined && clock.now() >= deadline - EARLY_MS;
}

/**
 * Our metadata as grpc-js sends it.
 *
 * @throws TypeError if it can't be sent. Node would throw amid the reply, and nothing would catch that.
 */
export function toGrpcMetadata(metadata: Metadata): grpc.Metadata {
  metadata.checkSendable();
  return addTo(new ReplyMetadata(), metadata);
}

/**
 * Bytes without the padding of base64, which grpc-js sends and which gRPC asks servers to leave out.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
class ReplyMetadata extends grpc.Metadata {
  /** Grpc-js sends a copy. */
  override clone(): ReplyMetadata {
    const copy = new ReplyMetadata(this.getOptions());
    copy.merge(this);
    return copy;
  }

  override toHttp2Headers(): ReturnType<grpc.Metadata['toHttp2Headers']> {
    const headers = super.toHttp2Headers();
    for (const key of Object.keys(headers)) {
      if (!key.endsWith('-bin')) continue;
      const value = headers[key];
      headers[key] = Array.isArray(value) ? value.map(unpadded) : unpadded(String(value));
    }
    return headers;
  }
}

function unpadded(base64: string): string {
  return base64.replace(/=+$/, '');
}

/** The header metadata that a failed call still has to send, if any. */
export function headerOf(fault: unknown): Metadata | undefined {
  return fault instanceof RpcError && fault.header !== undefined && fault.header.size > 0 ? fault.header : undefined;
}

/** A failure of the method at `path` as grpc-js sends it. */
export function toGrpcStatus(fault: unknown, path: string): grpc.StatusObject {
  const error = fault instanceof RpcError ? fault : new RpcError(Status.INTERNAL, 'internal error', { cause: fault });
  const metadata = toGrpcMetadata(error.metadata);
  const details = encodeStatusDetails(error);
  if (details !== undefined) metadata.set(STATUS_DETAILS, Buffer.from(details));
  const mark = notHandledMark(error, path);
  if (mark !== undefined) metadata.set(NOT_HANDLED, mark);
  return { code: error.code, details: error.message, metadata };
}
