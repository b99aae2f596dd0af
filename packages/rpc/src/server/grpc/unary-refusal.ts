import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { isBase64 } from '../../call/metadata-rules.js';
import { Status } from '../../status/code.js';
import { RpcError } from '../../status/rpc-error.js';
import { ACCEPT_ENCODING, ACCEPTED_ENCODINGS, canDecompress, ENCODING } from '../../transport/grpc/compression.js';
import { RouterError } from '../../transport/router-error.js';
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
  const trailer = trailerOf(unknownEncoding(quotable(encoding)), path);
  return { ...NO_REPLY, ...trailer, [ACCEPT_ENCODING]: ACCEPTED_ENCODINGS };
}

/** The fault of a request, of any method, whose deadline or metadata can't be read; undefined if they can. */
export function faultIn(
  headers: IncomingHttpHeaders,
  /** Keys and values in turn. Node has this list already; one of the keys alone would cost each call as much as a header. */
  rawHeaders: readonly string[],
  timeoutMs: number | undefined,
): RpcError | undefined {
  if (Number.isNaN(timeoutMs)) return invalidTimeout(quotable(headers[TIMEOUT]));
  const key = rawHeaders.find(isUnreadable);
  return key === undefined ? undefined : invalidBytes(quotable(key));
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

function invalidTimeout(timeout: string): RpcError {
  // @cause A client gave its call a deadline that isn't written as gRPC's are.
  // @remedy Correct the client. A timeout is a whole number of at most 8 digits, and its unit: H, M, S, m, u or n.
  // @effect none
  return new RpcError(
    Status.INTERNAL,
    `the grpc-timeout "${timeout}" is not valid; send at most 8 digits and one of H, M, S, m, u and n`,
  );
}

/** Source of the code: https://github.com/grpc/grpc-go/blob/master/internal/transport/http2_server.go */
function invalidBytes(key: string): RpcError {
  // @cause A client sent metadata whose key ends in -bin, and whose value isn't base64.
  // @remedy Encode the value in base64.
  // @effect none
  return new RpcError(Status.INTERNAL, `the metadata "${key}" is not base64; encode its bytes`);
}

function unknownEncoding(encoding: string): RpcError {
  // @cause A client compresses its request in a way that Rondo's servers don't support.
  // @remedy Compress by gzip or deflate, or not at all.
  // @effect none
  return new RpcError(
    Status.UNIMPLEMENTED,
    `the grpc-encoding "${encoding}" is not supported; send gzip, deflate or identity`,
  );
}

/** The error of a call whose request takes too long. */
export function tooSlow(): RpcError {
  // @cause A client began a call without a deadline, or with a long one, and its request didn't come whole in five minutes.
  // @remedy Look at the client's network. Set a deadline in the client.
  // @effect none
  return new RpcError(
    Status.DEADLINE_EXCEEDED,
    `the request didn't come whole in ${MAX_RECEIVE_MS / 60_000} minutes; send it at once`,
    { retryPushbackMs: -1 },
  );
}

/** The error of a request that comes when its connection's others have `most` bytes. */
export function tooMuch(most: number): RouterError {
  // @cause A client sends so many large requests at once over one connection that they fill the memory of the server.
  // @remedy Send fewer at once, or over several connections.
  // @effect none
  return new RouterError(
    Status.RESOURCE_EXHAUSTED,
    `the requests of this connection that haven't come whole have more than ${most} bytes together; send fewer at once`,
    { handled: 'never' },
  );
}
