import { STATUS_CODES } from 'node:http';
import type { HttpExchange } from './exchange.js';

/** The status codes with which the listener itself refuses a request. */
export type RefusalStatus = 400 | 405 | 408 | 413 | 426 | 431 | 500 | 505;

/** Their gRPC status codes. */
const CODES: Readonly<Record<RefusalStatus, number>> = {
  400: 3,
  405: 12,
  408: 4,
  413: 8,
  426: 9,
  431: 3,
  500: 13,
  505: 12,
};

/** Why a request target is refused that has bytes beyond ASCII. */
export const UNESCAPED_TARGET = 'the request target has a character that must be percent-encoded, as encodeURI does';

/** A `google.rpc.Status` in JSON. */
function bodyOf(status: RefusalStatus, message: string): string {
  return JSON.stringify({ code: CODES[status], message, details: [] });
}

const JSON_TYPE = 'application/json';

/** Answers an exchange with an error, if it has no answer yet. */
export function refuse(exchange: HttpExchange, status: RefusalStatus, message: string): void {
  if (exchange.responded) {
    exchange.abort('internal');
    return;
  }
  // HTTP/2 has no such header.
  const upgrade = status === 426 && exchange.version === '1.1' ? { upgrade: 'TLS/1.2, HTTP/1.1' } : {};
  exchange.respond(status, { 'content-type': JSON_TYPE, ...upgrade });
  exchange.end(Buffer.from(bodyOf(status, message)));
}

/** A whole HTTP/1.1 answer, for a request that was never parsed. */
export function rawRefusal(status: RefusalStatus, message: string): string {
  const body = bodyOf(status, message);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${JSON_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
