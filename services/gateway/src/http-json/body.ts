import { promisify } from 'node:util';
import { gunzip as gunzipCallback } from 'node:zlib';
import { invalidArgument, RpcError, Status } from '@rondo/rpc/status';
import { BodyError, type HttpExchange } from '../listener/exchange.js';
import { HttpFault } from './fault.js';

const gunzip = promisify(gunzipCallback);

/** The content type of a request without its parameters, in lower case; empty if it has none. */
const contentTypeOf = ({ headers }: HttpExchange): string =>
  (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';

/** `curl -d` says that its JSON is a form. The edge refuses pages of other origins, which can send that without asking. */
const JSON_TYPE = /^application\/(?:json|[\w.+-]+\+json|x-www-form-urlencoded)$/;

/**
 * Refuses a body that isn't what the method takes.
 *
 * @throws HttpFault 415 that lists what it takes.
 */
export function checkContentType(exchange: HttpExchange, taken: readonly string[] = ['application/json']): void {
  const type = contentTypeOf(exchange);
  if (type === '' || taken.includes(type) || (taken.includes('application/json') && JSON_TYPE.test(type))) return;
  const message = `the Content-Type is ${type}; this method takes ${taken.join(' or ')}`;
  // @cause The body is of a type that the method doesn't take. HTTP 415.
  // @remedy Send one of the types that the text names.
  throw new HttpFault(415, new RpcError(Status.INVALID_ARGUMENT, message), { accept: taken.join(', ') });
}

/**
 * Reads the whole body, and inflates it if it is compressed.
 *
 * @throws BodyError, also if the inflated body is larger than `maxBytes`, and HttpFault 415 for another encoding.
 */
export async function readBody(exchange: HttpExchange, maxBytes: number): Promise<Buffer> {
  const encoding = checkEncoding(exchange, ['gzip']);
  const body = await exchange.body.whole(maxBytes);
  if (encoding === 'identity' || body.length === 0) return body;
  try {
    return await gunzip(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
      // @code RESOURCE_EXHAUSTED
      // @cause The body is larger after decompression than the gateway takes. HTTP 413.
      // @remedy Send less at a time.
      // @effect none
      throw new BodyError('too_large', `the inflated body exceeds ${maxBytes} bytes: send less`);
    }
    // @cause The request has `Content-Encoding: gzip`, and its body isn't gzip.
    // @remedy Compress the body, or leave the header out.
    throw invalidArgument([
      {
        field: 'the body',
        description: 'is not gzip, as its Content-Encoding says; compress it, or leave the header out',
      },
    ]);
  }
}

/** @throws HttpFault 415 for an encoding that isn't among `known`. */
export function checkEncoding({ headers }: HttpExchange, known: readonly string[]): string {
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity' || known.includes(encoding)) return encoding;
  const accepted = ['identity', ...known].join(', ');
  const message = `the Content-Encoding is ${encoding}; this method takes ${accepted}`;
  // @cause The body is compressed in a way that the gateway doesn't read. HTTP 415.
  // @remedy Send gzip, or no compression.
  throw new HttpFault(415, new RpcError(Status.INVALID_ARGUMENT, message), { 'accept-encoding': accepted });
}
