import type { OutgoingHttpHeaders } from 'node:http';
import { acceptsGzip, isWorthwhile, toGzip, varyByEncoding } from '../edge/compress.js';
import { isUnchanged } from '../http-json/conditions.js';
import type { HttpExchange } from '../listener/exchange.js';

/** What a page consists of. */
export interface Content {
  readonly type: string;
  readonly body: Buffer;
  /** The page's headers, besides those of every page. */
  readonly headers?: OutgoingHttpHeaders;
  /** A weak entity tag, as the body may be compressed; undefined if clients don't keep the content. */
  readonly etag?: string;
}

/** Compressed bodies: the large ones are the same for every client. */
const compressed = new WeakMap<Buffer, Promise<Uint8Array>>();

/** Answers a GET or HEAD with a page: compressed if the client accepts that, and not at all if the client has it. */
export function answerPage(exchange: HttpExchange, content: Content): void {
  // Before the answer, so that an HTTP/1.1 connection outlives the request.
  exchange.body.discard();
  sendPage(exchange, content).catch(() => exchange.abort('internal'));
}

async function sendPage(exchange: HttpExchange, { type, body, headers, etag }: Content): Promise<void> {
  const always: OutgoingHttpHeaders = { ...headers, ...(etag && { etag }), 'x-content-type-options': 'nosniff' };
  varyByEncoding(exchange, always);
  if (etag !== undefined && isUnchanged(exchange.headers['if-none-match'], etag)) {
    exchange.respond(304, always);
    exchange.end();
    return;
  }
  const compresses = isWorthwhile(body) && acceptsGzip(exchange.headers['accept-encoding']);
  const zipped = compresses ? await gzipOf(body) : body;
  exchange.respond(200, {
    ...always,
    'content-type': type,
    ...(compresses && { 'content-encoding': 'gzip' }),
    'content-length': zipped.length,
  });
  exchange.end(exchange.method === 'HEAD' ? undefined : zipped);
}

function gzipOf(body: Buffer): Promise<Uint8Array> {
  const present = compressed.get(body) ?? toGzip(body);
  compressed.set(body, present);
  return present;
}

/** Answers another HTTP method. */
export function refuseVerb(exchange: HttpExchange): void {
  exchange.body.discard();
  exchange.respond(405, { allow: 'GET, HEAD', 'content-type': 'text/plain; charset=utf-8' });
  exchange.end(exchange.method === 'HEAD' ? undefined : Buffer.from('call it by GET\n'));
}
