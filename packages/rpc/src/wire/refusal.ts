import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { isBase64, NOT_HANDLED } from '../call/metadata.js';
import { serverErrors } from '../errors/server.js';
import { encodeStatusDetails, STATUS_DETAILS } from '../status/detail.js';
import { RpcError } from '../status/rpc-error.js';
import { ACCEPT_ENCODING, ACCEPTED_ENCODINGS, canDecompress, ENCODING } from '../transport/grpc/compression.js';
import { formatRetryPushback, RETRY_PUSHBACK } from '../transport/retry-metadata.js';
import { notHandledMark } from '../transport/router-error.js';
import { addToHeaders, percentEncoded, toBase64 } from './headers.js';

/** The header of a status alone. */
export const NO_REPLY: Readonly<OutgoingHttpHeaders> = { ':status': 200, 'content-type': 'application/grpc+proto' };

/** The trailer of a call of the method at `path` that has failed. */
export function trailerOf(fault: unknown, path: string): OutgoingHttpHeaders {
  const error = fault instanceof RpcError ? fault : serverErrors.SERVER_FAILED({ cause: fault });
  const trailer = addToHeaders(
    { 'grpc-status': error.code, 'grpc-message': percentEncoded(error.message) },
    error.metadata,
  );
  const details = encodeStatusDetails(error);
  if (details !== undefined) trailer[STATUS_DETAILS] = toBase64(details);
  const mark = notHandledMark(error, path);
  if (mark !== undefined) trailer[NOT_HANDLED] = mark;
  if (error.retryPushbackMs !== undefined) trailer[RETRY_PUSHBACK] = formatRetryPushback(error.retryPushbackMs);
  return trailer;
}

export const TIMEOUT = 'grpc-timeout';
/** The formats of requests: only that of protobuf is served. */
const CONTENT_TYPE = /^application\/grpc(?:\+proto)?(?:;|$)/;

/** The answer to a request that is refused by its headers; undefined if it isn't. */
export function refusalOf(
  headers: IncomingHttpHeaders,
  /** Keys and values in turn. Node has this list already; one of the keys alone would cost each call as much as a header. */
  rawHeaders: readonly string[],
  timeoutMs: number | undefined,
): OutgoingHttpHeaders | undefined {
  if (!CONTENT_TYPE.test(headers['content-type'] ?? '')) return { ':status': 415, 'accept-post': 'application/grpc' };
  if (headers[':method'] !== 'POST') return { ':status': 405, allow: 'POST' };
  const path = String(headers[':path']);
  const fault = faultIn(headers, rawHeaders, timeoutMs);
  if (fault !== undefined) return { ...NO_REPLY, ...trailerOf(fault, path) };
  const encoding = headers[ENCODING];
  if (encoding === undefined || encoding === 'identity' || canDecompress(encoding)) return undefined;
  const trailer = trailerOf(serverErrors.UNKNOWN_ENCODING({ encoding: quotable(encoding) }), path);
  return { ...NO_REPLY, ...trailer, [ACCEPT_ENCODING]: ACCEPTED_ENCODINGS };
}

/** The fault of a request whose deadline or metadata can't be read; undefined if they can. */
function faultIn(
  headers: IncomingHttpHeaders,
  rawHeaders: readonly string[],
  timeoutMs: number | undefined,
): RpcError | undefined {
  if (Number.isNaN(timeoutMs)) return serverErrors.INVALID_TIMEOUT({ timeout: quotable(headers[TIMEOUT]) });
  const key = rawHeaders.find(isUnreadable);
  return key === undefined ? undefined : serverErrors.METADATA_NOT_BASE64({ key: quotable(key) });
}

function isUnreadable(key: string, at: number, rawHeaders: readonly string[]): boolean {
  return at % 2 === 0 && key.endsWith('-bin') && !isBase64(String(rawHeaders[at + 1]));
}

/** The value of a header, as short as it has to be in a status. */
export function quotable(value: unknown): string {
  return String(value).slice(0, 100);
}
