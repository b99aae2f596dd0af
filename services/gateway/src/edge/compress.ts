import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { HttpExchange } from '../listener/exchange.js';

const compressBytes = promisify(gzip);

/** Smaller bodies gain nothing. Bytes. */
const LEAST_BYTES = 1_024;

/** A body, and how it is encoded. */
export interface EncodedBody {
  readonly body: Uint8Array;
  /** `gzip`; undefined if the body is as it was. */
  readonly encoding: 'gzip' | undefined;
}

/**
 * Compresses a body if the client accepts that and it may become smaller.
 *
 * @param accepted the request's `Accept-Encoding`.
 */
export async function compress(body: Uint8Array, accepted: string | undefined): Promise<EncodedBody> {
  if (body.length < LEAST_BYTES || !acceptsGzip(accepted)) return { body, encoding: undefined };
  return { body: await compressBytes(body), encoding: 'gzip' };
}

/** A request's `Accept-Encoding`, as one list. */
export function acceptedEncodings({ headers }: HttpExchange): string | undefined {
  const accepted = headers['accept-encoding'];
  return Array.isArray(accepted) ? accepted.join(',') : accepted;
}

/** The `Vary` of an answer that may be compressed. CORS may have set the header before. */
export function varyByEncoding({ answerHeaders }: HttpExchange): string {
  const present = answerHeaders.vary;
  return present === undefined ? 'accept-encoding' : `${String(present)}, accept-encoding`;
}

/** Source: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3 */
export function acceptsGzip(accepted: string | undefined): boolean {
  if (accepted === undefined) return false;
  const weights = new Map(accepted.split(',').map((entry) => weightOf(entry)));
  const weight = weights.get('gzip') ?? weights.get('x-gzip') ?? weights.get('*') ?? 0;
  return weight > 0;
}

function weightOf(entry: string): readonly [coding: string, weight: number] {
  const [coding = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  return [coding, weight === undefined ? 1 : Number(weight) || 0];
}
