import type { OutgoingHttpHeaders } from 'node:http';
import type { Logger, Metadata } from '@rondo/rpc/call';
import { encodeStatusDetails, fitDetails, percentEncoded, toBase64 } from '@rondo/rpc/internal';
import { type RpcError, Status } from '@rondo/rpc/status';
import { addMetadata } from './metadata.js';

/** The most bytes of a message; a longer one is cut, so that the status fits into every client's header block, where a byte takes up to three. */
const MAX_MESSAGE_BYTES = 2 * 1024;
/** The most bytes of message and details together; longer details are cut for the same reason. */
const MAX_DETAILS_BYTES = 6 * 1024;

/** The trailers of a call that ended well and has no trailing metadata: most calls. */
const OK: OutgoingHttpHeaders = Object.freeze({ 'grpc-status': '0' });

/** Whether the client may learn which instance answered. */
interface TrailerOptions {
  readonly servedBy: boolean;
}

/** The trailers of a call that ended well. */
export function okTrailers(trailer: Metadata, options: TrailerOptions): OutgoingHttpHeaders {
  const trailers: OutgoingHttpHeaders = {};
  addMetadata(trailers, trailer, options);
  for (const _key in trailers) return Object.assign(trailers, OK);
  return OK;
}

/**
 * The trailers of a failed call: status, text and details, and the error's metadata. Source:
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export function errorTrailers(
  error: RpcError,
  options: TrailerOptions & { readonly log: Logger },
): OutgoingHttpHeaders {
  const trailers: OutgoingHttpHeaders = {};
  addMetadata(trailers, error.metadata, options);
  trailers['grpc-status'] = String(error.code === Status.OK ? Status.UNKNOWN : error.code);
  if (error.message !== '') trailers['grpc-message'] = percentEncoded(boundedText(error.message));
  // A client that retries by itself does so as the service asks. Source: gRFC A6.
  if (error.retryPushbackMs !== undefined)
    trailers['grpc-retry-pushback-ms'] = String(Math.ceil(error.retryPushbackMs));
  const { code } = error;
  const message = boundedText(error.message);
  const fitting = fitDetails(error.details, MAX_DETAILS_BYTES - Buffer.byteLength(message));
  if (fitting !== error.details)
    options.log.warn({ code: error.codeName }, 'details too large: what is beyond 6 KiB was cut');
  const details = encodeStatusDetails({ code, message, details: fitting });
  if (details !== undefined) trailers['grpc-status-details-bin'] = toBase64(details);
  return trailers;
}

/** A text that is at most 2,048 bytes long. */
export function boundedText(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_MESSAGE_BYTES) return text;
  // A streaming decoder omits an incomplete character at the end.
  return `${new TextDecoder().decode(bytes.subarray(0, MAX_MESSAGE_BYTES), { stream: true })}…`;
}
