import type { X509Certificate } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { type Clock, millisecondsUntil } from '@rondo/base';
import type { Payload } from '../../call/call.js';
import { CallContext, cancelled, deadlineExceeded } from '../../call/call-context.js';
import { Metadata, type MetadataSource, type MetadataValue, NOT_HANDLED, PRINCIPAL } from '../../call/metadata.js';
import { type RequestArrival, TIMING_REQUEST } from '../../call/server-timing.js';
import type { Method } from '../../contract/method.js';
import { serverErrors } from '../../errors/server.js';
import type { ReceivedAssertion } from '../../principal/verifier.js';
import { encodeStatusDetails, STATUS_DETAILS } from '../../status/detail.js';
import { RpcError } from '../../status/rpc-error.js';
import type { InFlightMember } from '../../transport/grpc/active-calls.js';
import { addTo, forEachEntry } from '../../transport/grpc/metadata.js';
import {
  formatRetryPushback,
  PREVIOUS_ATTEMPTS,
  RETRY_PUSHBACK,
  readPreviousAttempts,
} from '../../transport/retry-metadata.js';
import { notHandledMark } from '../../transport/router-error.js';
import type { ReceivedWireCall } from '../../transport/transport.js';
import { readArrival } from './arrival.js';
import type { Peer } from './mutual-tls.js';

/** What all types of server calls of grpc-js have in common. */
interface SurfaceCall {
  readonly metadata: grpc.Metadata;
  getPeer(): string;
  getDeadline(): grpc.Deadline;
  sendMetadata(metadata: grpc.Metadata): void;
  on(event: 'cancelled', listener: () => void): unknown;
}

/** One call in flight on a server. */
export interface CallInFlight extends InFlightMember {
  /** Whether only the caller, or an abort, can end it: a response stream without a deadline. */
  readonly endless: boolean;
  /** Ends the call from the server's side with `reason`. */
  abort(reason: RpcError): void;
  /** Marks the call as finished: a later cancellation by grpc-js isn't the caller's. */
  settle(): void;
}

/** One call in flight, as grpc-js received it. */
export interface Exchange extends CallInFlight {
  readonly wire: ReceivedWireCall;
}

/** Options of {@link toExchange}. */
export interface ExchangeOptions {
  readonly method: Pick<Method, 'path' | 'responseStream' | 'policy'>;
  readonly request: Payload<Uint8Array>;
  readonly clock: Clock;
  /** The client, if its certificate was verified. */
  readonly peer?: Peer | undefined;
}

/** Converts a call of grpc-js. */
export function toExchange(call: SurfaceCall, { method, request, clock, peer }: ExchangeOptions): Exchange {
  const context = new CallContext();
  const expiresAt = call.getDeadline();
  const allowedMs = expiresAt === Number.POSITIVE_INFINITY ? undefined : millisecondsUntil(expiresAt);
  const deadline = allowedMs === undefined ? undefined : clock.now() + allowedMs;
  let ended = false;
  // grpc-js also reports a call as cancelled at its deadline, and after it ended well.
  call.on('cancelled', () => {
    if (!ended) context.end(reasonOfEnd(deadline, allowedMs, clock));
  });
  const { path, responseStream } = method;
  // The address is read at once, because grpc-js forgets it when the call has ended.
  const received = { path, responseStream, deadline, context, peer: call.getPeer(), client: peer };
  return {
    slot: -1,
    wire: new GrpcJsCall(call, request, received),
    endless: responseStream && deadline === undefined && method.policy.timeoutMs === undefined,
    abort: (reason) => context.end(reason),
    settle() {
      ended = true;
    },
  };
}

/** What is known of a received call before its request is read. */
export interface ReceivedCallOptions extends Pick<ReceivedWireCall, 'path' | 'responseStream' | 'deadline'> {
  readonly peer: string;
  readonly context: CallContext;
  /** The client, if its certificate was verified. */
  readonly client: Peer | undefined;
}

/** A received call. It is the source of its own metadata, which is read only when it is needed. */
export abstract class ReceivedCall implements ReceivedWireCall, MetadataSource {
  readonly path: string;
  readonly responseStream: boolean;
  readonly metadata = Metadata.over(this);
  readonly deadline: number | undefined;
  readonly context: CallContext;
  readonly peer: string;
  readonly identity: string | undefined;
  readonly #certificate: X509Certificate | undefined;

  constructor({ path, responseStream, deadline, context, peer, client }: ReceivedCallOptions) {
    this.path = path;
    this.responseStream = responseStream;
    this.deadline = deadline;
    this.context = context;
    this.peer = peer;
    this.identity = client?.identity;
    this.#certificate = client?.certificate;
  }

  abstract readonly request: Payload<Uint8Array>;
  abstract sendHeader(header: Metadata): void;
  abstract getAll(key: string): readonly MetadataValue[];
  abstract forEach(visit: (key: string, value: MetadataValue) => void): void;

  get previousAttempts(): number | undefined {
    return readPreviousAttempts(this.getAll(PREVIOUS_ATTEMPTS)[0]);
  }

  get received(): ReceivedAssertion | undefined {
    const certificate = this.#certificate;
    if (certificate === undefined) return undefined;
    const [assertion] = this.getAll(PRINCIPAL);
    return typeof assertion === 'string' ? { assertion, certificate } : undefined;
  }

  get arrival(): RequestArrival | undefined {
    return readArrival(this.getAll(TIMING_REQUEST)[0]);
  }
}

class GrpcJsCall extends ReceivedCall {
  readonly request: Payload<Uint8Array>;
  readonly #call: SurfaceCall;

  constructor(call: SurfaceCall, request: Payload<Uint8Array>, options: ReceivedCallOptions) {
    super(options);
    this.request = request;
    this.#call = call;
  }

  /** grpc-js sends the first header of a call and ignores further ones. */
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

/** The time by which a timer may fire early. Milliseconds. */
const EARLY_MS = 1;

/** Why a call ended whose client has gone: at the deadline clients reset calls, too. */
export function reasonOfEnd(deadline: number | undefined, allowedMs: number | undefined, clock: Clock): RpcError {
  const over = deadline !== undefined && clock.now() >= deadline - EARLY_MS;
  return over ? deadlineExceeded(allowedMs ?? 0, 'caller') : cancelled();
}

/**
 * Converts metadata for grpc-js.
 *
 * @throws TypeError if it can't be sent. Node would throw in the middle of the reply, and nothing would catch that.
 */
export function toGrpcMetadata(metadata: Metadata): grpc.Metadata {
  metadata.checkSendable();
  return addTo(new ReplyMetadata(), metadata);
}

/**
 * Metadata whose bytes are sent without the padding of base64. grpc-js sends it; gRPC asks servers to omit it.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
class ReplyMetadata extends grpc.Metadata {
  /** grpc-js sends a copy. */
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

/** The header metadata that must still be sent for a failed call, if any. */
export function headerOf(fault: unknown): Metadata | undefined {
  return fault instanceof RpcError && fault.header !== undefined && fault.header.size > 0 ? fault.header : undefined;
}

/** Converts a failure of the method at `path` to a status of grpc-js. */
export function toGrpcStatus(fault: unknown, path: string): grpc.StatusObject {
  const error = fault instanceof RpcError ? fault : serverErrors.SERVER_FAILED({ cause: fault });
  const metadata = toGrpcMetadata(error.metadata);
  const details = encodeStatusDetails(error);
  if (details !== undefined) metadata.set(STATUS_DETAILS, Buffer.from(details));
  const mark = notHandledMark(error, path);
  if (mark !== undefined) metadata.set(NOT_HANDLED, mark);
  if (error.retryPushbackMs !== undefined) metadata.set(RETRY_PUSHBACK, formatRetryPushback(error.retryPushbackMs));
  return { code: error.code, details: error.message, metadata };
}
