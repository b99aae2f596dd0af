import type { OutgoingHttpHeaders } from 'node:http';
import type { Logger } from '@rondo/rpc/call';
import { brief, fitDetails, statusTrailer } from '@rondo/rpc/internal';
import { Status } from '@rondo/rpc/status';
import type { Outcome } from './enveloped-call.js';
import { addMetadata } from './metadata.js';

/** The most bytes of message and details together: longer details are cut, so that the status fits into every client's header block. */
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
  const code = error.code === Status.OK ? Status.UNKNOWN : error.code;
  const message = brief(error.message);
  const details = fitDetails(error.details, MAX_DETAILS_BYTES - Buffer.byteLength(message));
  if (details !== error.details)
    options.log.warn({ code: error.codeName }, 'details too large: what is beyond 6 KiB was cut');
  const { retryPushbackMs } = error;
  return Object.assign(trailers, statusTrailer({ code, message, details, retryPushbackMs }));
}
