import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { isBase64 } from '../../call/metadata.js';
import { serverErrors } from '../../errors/server.js';
import type { RpcError } from '../../status/rpc-error.js';
import { ACCEPT_ENCODING, ACCEPTED_ENCODINGS, canDecompress, ENCODING } from '../../transport/grpc/compression.js';
import { toGrpcStatus } from './exchange.js';
import { MAX_RECEIVE_MS } from './limits.js';

/** The header of a status alone. */
export const NO_REPLY: Readonly<OutgoingHttpHeaders> = { ':status': 200, 'content-type': 'application/grpc+proto' };

/** How a status alone is sent. */
export const NO_BODY = { endStream: true, sendDate: false } as const;

/** The trailer of a call that has failed. */
export function trailerOf(fault: unknown, path: string): OutgoingHttpHeaders {
  const { code, details, metadata } = toGrpcStatus(fault, path);
  return { 'grpc-status': code, 'grpc-message': encodeURI(details), ...metadata.toHttp2Headers() };
}

export const TIMEOUT = 'grpc-timeout';
/** The formats of requests: only that of protobuf is served. */
const CONTENT_TYPE = /^application\/grpc(?:\+proto)?(?:;|$)/;

/** The answer to a request that is refused by its headers, in which `fault` is; undefined if it isn't. */
export function refusalOf(
  headers: IncomingHttpHeaders,
  fault: RpcError | undefined,
  path: string,
): OutgoingHttpHeaders | undefined {
  if (!CONTENT_TYPE.test(headers['content-type'] ?? '')) return { ':status': 415, 'accept-post': 'application/grpc' };
  if (headers[':method'] !== 'POST') return { ':status': 405, allow: 'POST' };
  if (fault !== undefined) return statusAlone(fault, path);
  const encoding = headers[ENCODING];
  if (encoding === undefined || encoding === 'identity' || canDecompress(encoding)) return undefined;
  const trailer = trailerOf(serverErrors.UNKNOWN_ENCODING({ encoding: quotable(encoding) }), path);
  return { ...NO_REPLY, ...trailer, [ACCEPT_ENCODING]: ACCEPTED_ENCODINGS };
}

/** The fault of a request, of any method, whose deadline or metadata can't be read; undefined if they can. */
export function faultIn(
  headers: IncomingHttpHeaders,
  /** Keys and values in turn. Node has this list already; one of the keys alone would cost each call as much as a header. */
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

/** The answer that has nothing but a status. */
export function statusAlone(fault: RpcError, path: string): OutgoingHttpHeaders {
  return { ...NO_REPLY, ...trailerOf(fault, path) };
}

/** The value of a header, as short as it has to be in a status. */
function quotable(value: unknown): string {
  return String(value).slice(0, 100);
}

/** The error of a call whose request takes too long. */
export function tooSlow(): RpcError {
  const maxMinutes = MAX_RECEIVE_MS / 60_000;
  return serverErrors.REQUEST_TOO_SLOW({ maxMinutes }, { retryPushbackMs: -1 });
}
