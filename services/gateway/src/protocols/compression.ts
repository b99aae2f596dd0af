import { promisify } from 'node:util';
import { gunzip as gunzipCallback } from 'node:zlib';
import { RpcError, Status } from '@rondo/rpc/status';
import { isWorthwhile, toGzip } from '../edge/compress.js';
import { COMPRESSED, type Envelope, envelop, tooLarge } from './envelope.js';

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
  // @cause The request is compressed in a way that the gateway doesn't read.
  // @remedy Send gzip, or no compression.
  throw new RpcError(
    Status.UNIMPLEMENTED,
    `${header}: "${String(value).slice(0, 64)}" is not supported; send one of ${ACCEPTED}`,
  );
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
    if (isTooLong(cause)) throw tooLarge(maxBytes);
    // @cause A message is marked as gzip and isn't.
    // @remedy Compress the message, or clear its flag.
    throw new RpcError(
      Status.INVALID_ARGUMENT,
      'a message is marked as gzip, but it is not; compress it or say identity',
      {
        cause,
      },
    );
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
  // @cause The flags of a message aren't those of the protocol.
  // @remedy Correct the client's framing: 0 for a plain message, 1 for a compressed one.
  // @effect none
  if (flags !== COMPRESSED)
    throw new RpcError(Status.INTERNAL, `the flags ${flags} of a message are unknown; send 0 or 1`);
  if (encoding === 'identity') {
    // @cause A message is marked as compressed in a call without compression.
    // @remedy Name the encoding in the headers of the call, or clear the flag.
    // @effect none
    throw new RpcError(
      Status.INTERNAL,
      'a message is marked as compressed, but the headers of the call name no encoding; name it there',
    );
  }
  return inflate(data, maxBytes);
}

/** A message in its envelope, compressed if the client accepts it and it pays. */
export function enveloped(message: Uint8Array, compress: boolean): Buffer | Promise<Buffer> {
  if (!compress || !isWorthwhile(message)) return envelop(message);
  return toGzip(message).then((smaller) => envelop(smaller, COMPRESSED));
}
