import type { OutgoingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { HttpExchange } from '../listener/exchange.js';

/** Compresses bytes by gzip. */
export const toGzip = promisify<Uint8Array, Buffer>(gzip);

/** Smaller bodies and messages gain nothing. Bytes. */
const LEAST_BYTES = 1_024;

/** Whether bytes may become smaller. */
export const isWorthwhile = ({ length }: Uint8Array): boolean => length >= LEAST_BYTES;

/**
 * Compresses the body of an answer if the client accepts that, and it may become smaller.
 *
 * @param headers gets `Content-Encoding` if the body is compressed, and `Vary`. A body that has an encoding keeps it.
 */
export async function compress(
  body: Uint8Array,
  exchange: HttpExchange,
  headers: OutgoingHttpHeaders,
): Promise<Uint8Array> {
  varyByEncoding(exchange, headers);
  const encoded = headers['content-encoding'] !== undefined;
  if (encoded || !isWorthwhile(body) || !acceptsGzip(exchange.headers['accept-encoding'])) return body;
  headers['content-encoding'] = 'gzip';
  return toGzip(body);
}

/** Tells caches that the answer depends on `Accept-Encoding`, besides what the handler and CORS have set. */
export function varyByEncoding({ answerHeaders }: HttpExchange, headers: OutgoingHttpHeaders): void {
  headers.vary = [answerHeaders.vary, headers.vary, 'accept-encoding'].filter((one) => one !== undefined).join(', ');
}

/**
 * Whether a list such as `br, gzip;q=0.5` accepts gzip.
 *
 * Source: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
 */
export function acceptsGzip(list: string | readonly string[] | undefined): boolean {
  if (list === undefined) return false;
  const weights = new Map(String(list).split(',').map(weightOf));
  const weight = weights.get('gzip') ?? weights.get('x-gzip') ?? weights.get('*') ?? 0;
  return weight > 0;
}

function weightOf(entry: string): readonly [coding: string, weight: number] {
  const [coding = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  return [coding, weight === undefined ? 1 : Number(weight) || 0];
}
