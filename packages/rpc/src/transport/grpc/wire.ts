import * as grpc from '@grpc/grpc-js';
import { Metadata, type MetadataSource, type MetadataValue } from '../../call/index.js';
import type { Clock } from '../../clock/index.js';
import { decodeStatusDetails, RpcError, STATUS_DETAILS, Status, toStatus } from '../../status/index.js';
import { TransportError, type WireCall } from '../transport.js';

const MAX_TIMEOUT_MS = 2 ** 31 - 1; // grpc-js's server reads a longer one as expired

/** The request's metadata, with its deadline as `grpc-timeout`, so that the server ends the call first. */
export function toGrpcMetadata({ metadata, deadline }: WireCall, clock: Clock): grpc.Metadata {
  const result = new grpc.Metadata();
  metadata.forEach((key, value) => {
    result.add(key, typeof value === 'string' ? value : Buffer.from(value));
  });
  if (deadline !== undefined) result.set('grpc-timeout', formatTimeout(deadline - clock.now()));
  return result;
}

/** A duration as gRPC writes it: at most eight digits and a unit. */
function formatTimeout(timeoutMs: number): string {
  const ms = Math.ceil(Math.min(Math.max(timeoutMs, 1), MAX_TIMEOUT_MS));
  return ms < 1e8 ? `${ms}m` : `${Math.ceil(ms / 1000)}S`;
}

/** What HTTP adds to metadata. */
const HTTP_KEYS: ReadonlySet<string> = new Set(['content-type', 'date']);

/** Metadata received, without what belongs to HTTP. */
export function fromGrpcMetadata(metadata: grpc.Metadata): Metadata {
  return Metadata.over(new ReceivedMetadata(metadata));
}

class ReceivedMetadata implements MetadataSource {
  readonly #metadata: grpc.Metadata;

  constructor(metadata: grpc.Metadata) {
    this.#metadata = metadata;
  }

  getAll(key: string): readonly MetadataValue[] {
    return HTTP_KEYS.has(key) ? [] : this.#metadata.get(key);
  }

  forEach(visit: (key: string, value: MetadataValue) => void): void {
    for (const [key, values] of Object.entries(this.#metadata.toJSON())) {
      if (!HTTP_KEYS.has(key)) for (const value of values) visit(key, value);
    }
  }
}

/** What is known beside the status of a call that failed. */
export interface Outcome {
  readonly headerReceived: boolean;
  /** Whether the connection still stands. */
  readonly connected: boolean;
}

/**
 * What a failed call means: the server's answer, or what happened to the connection.
 *
 * grpc-js tells neither apart: it makes a status of its own for a stream that ends without one, by turns `UNAVAILABLE`,
 * `INTERNAL` and `CANCELLED`. But an answer without a header is one block of trailers, and that always has a content
 * type; so a status without any metadata is grpc-js's, unless a header had come and the connection still stands.
 */
export function toError(status: grpc.StatusObject, { headerReceived, connected }: Outcome): RpcError {
  const received = Object.keys(status.metadata.getMap()).length > 0;
  const answered = received || (headerReceived && connected && !isWriteError(status));
  if (!answered) return connectionError(status, connected);
  const packed = status.metadata.get(STATUS_DETAILS)[0];
  const details = packed instanceof Buffer ? decodeStatusDetails(packed) : [];
  return new RpcError(toStatus(status.code), status.details, { details, metadata: fromGrpcMetadata(status.metadata) });
}

/** Whether grpc-js failed to write a request: then this takes the place of the server's status, if that was `OK`. */
function isWriteError({ details }: grpc.StatusObject): boolean {
  return details.startsWith('Write error: ');
}

/** grpc-js's words for a stream that no handler has seen. */
const NEVER_HANDLED = ['Stream refused by server', 'No connection established', 'Failed to start HTTP/2 stream'];

function connectionError({ code, details }: grpc.StatusObject, connected: boolean): TransportError {
  const reach = NEVER_HANDLED.some((text) => details.startsWith(text)) ? 'never' : 'unknown';
  if (reach === 'never' || !connected) {
    const what = reach === 'never' ? 'the call was not taken' : 'the connection broke while the call was in flight';
    return new TransportError(Status.UNAVAILABLE, `${what} (${details})`, { reach });
  }
  const lost = code === grpc.status.CANCELLED ? Status.UNAVAILABLE : toStatus(code);
  return new TransportError(lost, `the server broke off the call (${details})`, { reach });
}
