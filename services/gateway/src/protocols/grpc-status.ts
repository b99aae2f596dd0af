import type { OutgoingHttpHeaders } from 'node:http';
import type { Logger } from '@rondo/rpc/call';
import { encodeStatusDetails, fitDetails, percentEncoded, toBase64 } from '@rondo/rpc/internal';
import { Status } from '@rondo/rpc/status';
import type { Outcome } from './enveloped-call.js';
import { addMetadata } from './metadata.js';

/** The most bytes of a message; a longer one is cut, so that the status fits into every client's header block, where a byte takes up to three. */
const MAX_MESSAGE_BYTES = 2 * 1024;
/** The most bytes of message and details together; longer details are cut for the same reason. */
const MAX_DETAILS_BYTES = 6 * 1024;

/**
 * The trailers of a call: its metadata and status, and the text and details of an error. Source:
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export function trailersOf(
  { trailer, error }: Omit<Outcome, 'last'>,
  options: { readonly servedBy: boolean; readonly log: Logger },
): OutgoingHttpHeaders {
  const trailers: OutgoingHttpHeaders = {};
  addMetadata(trailers, trailer, options);
  if (error === undefined) return Object.assign(trailers, { 'grpc-status': '0' });
  const { code, retryPushbackMs } = error;
  const message = boundedText(error.message);
  trailers['grpc-status'] = String(code === Status.OK ? Status.UNKNOWN : code);
  if (message !== '') trailers['grpc-message'] = percentEncoded(message);
  // A client that retries by itself does so as the service asks. Source: gRFC A6.
  if (retryPushbackMs !== undefined) trailers['grpc-retry-pushback-ms'] = String(Math.ceil(retryPushbackMs));
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
