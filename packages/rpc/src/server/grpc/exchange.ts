import * as grpc from '@grpc/grpc-js';
import { CallLimit, cancelled, Metadata, type Payload } from '../../call/index.js';
import { type Clock, millisecondsUntil } from '../../clock/index.js';
import type { Method } from '../../contract/index.js';
import { encodeStatusDetails, RpcError, STATUS_DETAILS, Status } from '../../status/index.js';
import type { WireCall } from '../../transport/index.js';

/** What all of grpc-js's server calls have in common. */
interface SurfaceCall {
  readonly metadata: grpc.Metadata;
  getPath(): string;
  getPeer(): string;
  getDeadline(): grpc.Deadline;
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
  readonly method: Method;
  readonly request: Payload<Uint8Array>;
  readonly clock: Clock;
}

/** Translates a grpc-js call. */
export function toExchange(call: SurfaceCall, { method, request, clock }: ExchangeOptions): Exchange {
  const limit = new CallLimit();
  const deadline = call.getDeadline();
  let ended = false;
  // grpc-js cancels a call at its deadline, too, and one that has ended well.
  call.on('cancelled', () => ended || limit.end(millisecondsUntil(deadline) > 0 ? cancelled() : expired()));
  const wire: WireCall = {
    path: call.getPath(),
    responseStream: method.responseStream,
    metadata: Metadata.received(() => Object.entries(call.metadata.toJSON())),
    deadline: deadline === Number.POSITIVE_INFINITY ? undefined : clock.now() + millisecondsUntil(deadline),
    limit,
    request,
    peer: call.getPeer(),
  };
  const endless = method.responseStream && wire.deadline === undefined && method.policy.timeoutMs === undefined;
  return {
    wire,
    endless,
    abort: (reason) => limit.end(reason),
    settle() {
      ended = true;
    },
  };
}

function expired(): RpcError {
  return new RpcError(Status.DEADLINE_EXCEEDED, 'no outcome within the time that the call was given');
}

/** Our metadata as grpc-js sends it. */
export function toGrpcMetadata(metadata: Metadata): grpc.Metadata {
  const result = new grpc.Metadata();
  for (const [key, value] of metadata) result.add(key, typeof value === 'string' ? value : Buffer.from(value));
  return result;
}

/** A failure as grpc-js sends it. */
export function toGrpcStatus(fault: unknown): grpc.StatusObject {
  const error = fault instanceof RpcError ? fault : new RpcError(Status.INTERNAL, 'internal error', { cause: fault });
  const metadata = toGrpcMetadata(error.metadata);
  const details = encodeStatusDetails(error);
  if (details !== undefined) metadata.set(STATUS_DETAILS, Buffer.from(details));
  return { code: error.code, details: error.message, metadata };
}
