import { promisify } from 'node:util';
import { gunzip as gunzipCallback } from 'node:zlib';
import { isWorthwhile, toGzip } from '../edge/compress.js';
import { gatewayErrors } from '../errors.js';
import { COMPRESSED, type Envelope, envelop } from './envelope.js';

const gunzip = promisify(gunzipCallback);

/** How messages may be compressed. */
export type Encoding = 'identity' | 'gzip';

/** What the gateway accepts, as the headers of each protocol list it. */
export const ACCEPTED = 'gzip,identity';

/**
 * The encoding that a header names; `identity` if there is none.
 *
 * @throws RpcError `UNIMPLEMENTED` with what is accepted, if it is another one.
 */
export function encodingOf(header: string, value: string | readonly string[] | undefined): Encoding {
  if (value === undefined || value === '' || value === 'identity') return 'identity';
  if (value === 'gzip') return 'gzip';
  throw gatewayErrors.UNKNOWN_ENCODING({ header, value: String(value).slice(0, 64), accepted: ACCEPTED });
}

/**
 * Inflates bytes that a client sent.
 *
 * @throws RpcError `RESOURCE_EXHAUSTED` if they grow beyond `maxBytes`, `INVALID_ARGUMENT` if they aren't gzip.
 */
export async function inflate(data: Buffer, maxBytes: number): Promise<Buffer> {
  if (data.length === 0) return data;
  try {
    return await gunzip(data, { maxOutputLength: maxBytes });
  } catch (cause) {
    if (isTooLong(cause)) throw gatewayErrors.MESSAGE_TOO_LARGE({ maxBytes });
    throw gatewayErrors.MESSAGE_NOT_GZIP({ cause });
  }
}

function isTooLong(cause: unknown): boolean {
  return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE';
}

/**
 * The message of an envelope.
 *
 * @throws RpcError `INTERNAL` if it is compressed although the call names no encoding, or has a flag that requests don't.
 */
export function messageOf({ flags, data }: Envelope, encoding: Encoding, maxBytes: number): Buffer | Promise<Buffer> {
  if (flags === 0) return data;
  if (flags !== COMPRESSED) throw gatewayErrors.UNKNOWN_FLAGS({ flags });
  if (encoding === 'identity') throw gatewayErrors.NO_ENCODING();
  return inflate(data, maxBytes);
}

/** A message in its envelope, compressed if the client accepts it and it pays. */
export function enveloped(message: Uint8Array, compress: boolean): Buffer | Promise<Buffer> {
  if (!compress || !isWorthwhile(message)) return envelop(message);
  return toGzip(message).then((smaller) => envelop(smaller, COMPRESSED));
}
