import { constants } from 'node:buffer';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import type { RpcError } from '../../status/rpc-error.js';

type Decoder = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: ReadonlyMap<unknown, Decoder> = new Map<unknown, Decoder>([
  ['gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
]);

export const ENCODING = 'grpc-encoding';
export const ACCEPT_ENCODING = 'grpc-accept-encoding';

/** What both ends decompress: the value of `grpc-accept-encoding`. */
export const ACCEPTED_ENCODINGS = 'identity,deflate,gzip';

/** Whether messages in `encoding` can be decompressed. */
export function canDecompress(encoding: unknown): boolean {
  return DECODERS.has(encoding);
}

/** How a message is compressed, and how long it may be. */
export interface Compressed {
  /** The value of `grpc-encoding`. */
  readonly encoding: unknown;
  /** The longest message, decompressed. */
  readonly maxBytes: number;
}

/** The errors of an end that can't decompress a message. */
export interface DecompressionErrors {
  /** It isn't what `encoding` says, or that isn't supported. */
  readonly unreadable: (encoding: unknown) => RpcError;
  readonly tooLong: (maxBytes: number) => RpcError;
}

/**
 * Decompresses a message. zlib stops once the result exceeds `maxBytes`.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/compression.md
 *
 * @throws RpcError one of `errors`.
 */
export async function decompress(
  bytes: Buffer,
  { encoding, maxBytes }: Compressed,
  errors: DecompressionErrors,
): Promise<Buffer> {
  const decoder = DECODERS.get(encoding);
  if (decoder === undefined) throw errors.unreadable(encoding);
  try {
    return await decoder(bytes, { maxOutputLength: Math.min(maxBytes, constants.MAX_LENGTH) });
  } catch (fault) {
    const isTooLong = (fault as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw isTooLong ? errors.tooLong(maxBytes) : errors.unreadable(encoding);
  }
}
