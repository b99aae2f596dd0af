import * as grpc from '@grpc/grpc-js';
import type { Clock } from '@rondo/base';
import { Metadata, NOT_HANDLED, PRINCIPAL } from '../../call/metadata.js';
import { TIMING_REQUEST } from '../../call/server-timing.js';
import { clientErrors } from '../../errors/client.js';
import { transportErrors } from '../../errors/transport.js';
import { Status, statusFromCode } from '../../status/code.js';
import { decodeStatusDetails, STATUS_DETAILS } from '../../status/detail.js';
import type { RpcError } from '../../status/rpc-error.js';
import type { Reach, TransportError } from '../../status/wire-errors.js';
import { PREVIOUS_ATTEMPTS, RETRY_PUSHBACK, readRetryPushback } from '../retry-metadata.js';
import { receivedError } from '../router-error.js';
import type { WireCall } from '../transport.js';

/** The longest timeout, in whole seconds. grpc-js's server takes one of 2^31 ms or more for expired. */
const MAX_TIMEOUT_MS = Math.floor((2 ** 31 - 1) / 1_000) * 1_000;

/** The request's metadata with the deadline as `grpc-timeout`, so that the server can end the call first. */
export function toGrpcMetadata(wire: WireCall, clock: Clock): grpc.Metadata {
  const { metadata, deadline, previousAttempts, times, assertion } = wire;
  const result = new grpc.Metadata();
  metadata.forEach((key, value) => {
    result.add(key, typeof value === 'string' ? value : Buffer.from(value));
  });
  if (deadline !== undefined) result.set('grpc-timeout', formatTimeout(deadline - clock.now()));
  if (previousAttempts !== undefined) result.set(PREVIOUS_ATTEMPTS, String(previousAttempts));
  if (times !== undefined) result.set(TIMING_REQUEST, '1');
  if (assertion !== undefined) result.set(PRINCIPAL, assertion);
  return result;
}

/** A duration as gRPC writes it: at most eight digits and a unit. */
function formatTimeout(timeoutMs: number): string {
  const ms = Math.ceil(Math.min(Math.max(timeoutMs, 1), MAX_TIMEOUT_MS));
  return ms < 1e8 ? `${ms}m` : `${Math.ceil(ms / 1000)}S`;
}

/** Keys that HTTP adds to the metadata. */
const HTTP_KEYS: ReadonlySet<string> = new Set(['content-type', 'date']);

/** Received metadata, without the keys that belong to HTTP. */
export function fromGrpcMetadata(received: grpc.Metadata): Metadata {
  return Metadata.over({
    getAll: (key) => (HTTP_KEYS.has(key) ? [] : received.get(key)),
    forEach(visit) {
      for (const [key, values] of Object.entries(received.toJSON())) {
        if (!HTTP_KEYS.has(key)) for (const value of values) visit(key, value);
      }
    },
  });
}

/** What is known of a failed call besides its status. */
export interface FailedCall {
  /** The method that was called. */
  readonly path: string;
  /** The header received before the status, if any. */
  readonly header: grpc.Metadata | undefined;
  /** Whether the connection is still ready. */
  readonly connected: boolean;
  /** Whether the call's deadline has passed. */
  readonly expired: boolean;
}

/**
 * The error of a failed call: the server's answer, or what happened to the connection.
 *
 * grpc-js doesn't distinguish them. For a stream that ends without a status it makes one of its own: `UNAVAILABLE`,
 * `INTERNAL` or `CANCELLED`. But an answer without a header is one block of trailers, which always has a content type.
 * So a status without metadata is grpc-js's own, unless a header was received, the connection is still ready, and the
 * text isn't grpc-js's for a stream that was reset.
 */
export function toError(status: grpc.StatusObject, { path, header, connected, expired }: FailedCall): RpcError {
  if (isUnreadable(status)) return clientErrors.UNREADABLE_REPLY();
  const received = Object.keys(status.metadata.getMap()).length > 0;
  const first = header ?? (received ? status.metadata : undefined);
  if (first === undefined ? isOfHttp(status) : !isGrpc(first)) return foreignError(status, first);
  const answered = received || (header !== undefined && connected && !isReset(status) && !isWriteError(status));
  if (!answered) return connectionError(status, { connected, expired });
  const packed = status.metadata.get(STATUS_DETAILS)[0];
  const details = packed instanceof Buffer ? decodeStatusDetails(packed) : [];
  const [mark] = status.metadata.get(NOT_HANDLED);
  const retryPushbackMs = readRetryPushback(status.metadata.get(RETRY_PUSHBACK)[0]);
  const metadata = fromGrpcMetadata(status.metadata);
  const failure = { details, metadata, header: header && fromGrpcMetadata(header), retryPushbackMs };
  return receivedError({ ...failure, code: status.code, message: status.details, path, mark });
}

/** Whether grpc-js couldn't decompress a message. If it doesn't know how, it makes a status without code and text. */
function isUnreadable({ code, details = '' }: Partial<grpc.StatusObject>): boolean {
  return code === undefined || details.startsWith('Failed to decompress');
}

/** Whether the answer is gRPC's, by its content type. */
export function isGrpc(header: grpc.Metadata): boolean {
  return String(header.get('content-type')[0]).startsWith('application/grpc');
}

/** What HTTP servers answer to an unknown path or content type: no handler has seen the call. */
const UNKNOWN_TO_HTTP = /HTTP status code (404|405|415|421)$/;

/** Whether grpc-js made the status from an HTTP status. */
function isOfHttp({ details }: grpc.StatusObject): boolean {
  return details.startsWith('Received HTTP status code');
}

function foreignError(status: grpc.StatusObject, header: grpc.Metadata | undefined): TransportError {
  const { code, details } = status;
  const contentType = header?.get('content-type')[0] ?? 'no content type';
  const reach = UNKNOWN_TO_HTTP.test(details) ? 'never' : 'unknown';
  // What a gRPC client reads from an HTML page is no status.
  const read = isOfHttp(status) ? statusFromCode(code) : Status.UNKNOWN;
  return transportErrors.NO_GRPC_SERVER(
    { contentType: String(contentType), details },
    { code: read, reach, foreign: true },
  );
}

/** grpc-js's texts for a reset stream, by the code that it makes of it. */
const RESET: ReadonlyMap<number, string> = new Map([
  [grpc.status.CANCELLED, 'Call cancelled'],
  [grpc.status.INTERNAL, 'Received RST_STREAM with code '],
  [grpc.status.PERMISSION_DENIED, 'Protocol not secure enough'],
  [grpc.status.RESOURCE_EXHAUSTED, 'Bandwidth exhausted or memory limit exceeded'],
]);

/** Whether grpc-js made the status from a reset of the stream. */
function isReset({ code, details }: grpc.StatusObject): boolean {
  const words = RESET.get(code);
  return words !== undefined && details.startsWith(words);
}

/** Whether grpc-js failed to write a request: that replaces a status of `OK` from the server. */
function isWriteError({ details }: grpc.StatusObject): boolean {
  return details.startsWith('Write error: ');
}

/** grpc-js's texts for a call that got no stream. */
const NO_STREAM = 'Failed to start HTTP/2 stream';
const UNSENT = ['No connection established', 'Channel closed before call started', NO_STREAM];

/** How far a call got that no server has answered, by grpc-js's text. */
function reachOf(details: string): Reach {
  if (UNSENT.some((text) => details.startsWith(text))) return 'unsent';
  return details.startsWith('Stream refused by server') ? 'never' : 'unknown';
}

/** The error of a call for which a connection opened no stream. */
export function untakenCall(fault: unknown): TransportError {
  const reason = fault instanceof Error ? fault.message : String(fault);
  return connectionError({ code: Status.INTERNAL, details: `${NO_STREAM} with error ${reason}` });
}

/**
 * grpc-js's text for a stream that this side gave up, for example over bytes that are no HTTP/2; Node 24 reports those.
 */
const GIVEN_UP_HERE = 'triggered by internal client error';

function connectionError(
  { code, details }: Pick<grpc.StatusObject, 'code' | 'details'>,
  { connected, expired }: Pick<FailedCall, 'connected' | 'expired'> = { connected: true, expired: false },
): TransportError {
  const reach = reachOf(details);
  if (reach !== 'unknown') return transportErrors.NOT_TAKEN({ details }, { reach });
  if (!connected || details.includes(GIVEN_UP_HERE)) return transportErrors.BROKEN({ details }, { reach });
  // Some servers reset a stream at its deadline, which may be before this client's own timer has fired.
  const reset = code === grpc.status.CANCELLED && expired ? Status.DEADLINE_EXCEEDED : statusFromCode(code);
  return transportErrors.RESET({ details }, { code: reset, reach });
}
