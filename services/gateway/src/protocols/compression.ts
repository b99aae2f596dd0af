import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { createSemaphore } from '@rondo/rpc/clock';
import { isWorthwhile, toGzip } from '../edge/compress.js';
import { gatewayErrors } from '../errors.js';
import type { RequestBody } from '../listener/exchange.js';
import { COMPRESSED, type Envelope, envelop } from './envelope.js';

const fromGzip = promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip);

/** What is being inflated isn't counted yet: so much at a time, as Node has threads for it, of the clients in rotation. */
const inflating = createSemaphore(4);

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

/** The request whose bytes are inflated, and the most that they may become. */
export interface InflateOptions {
  readonly body: Pick<RequestBody, 'client' | 'hold'>;
  readonly maxBytes: number;
}

/**
 * Inflates bytes of a request. Both count as kept by its body.
 *
 * @throws what `fault` makes, if they grow beyond `maxBytes` or aren't gzip. BodyError if all requests together keep too many.
 */
export async function inflateBytes(
  data: Buffer,
  { body, maxBytes }: InflateOptions,
  fault: (why: 'too large' | 'not gzip', cause: unknown) => Error,
): Promise<Buffer> {
  if (data.length === 0) return data;
  const inflated = await inflating
    .run(() => fromGzip(data, { maxOutputLength: maxBytes }), undefined, body.client)
    .catch((cause: unknown) => {
      throw fault(isTooLong(cause) ? 'too large' : 'not gzip', cause);
    });
  body.hold(data.length + inflated.length);
  return inflated;
}

function isTooLong(cause: unknown): boolean {
  return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE';
}

/**
 * Inflates a message, as {@link inflateBytes} does.
 *
 * @throws RpcError `RESOURCE_EXHAUSTED` if it grows beyond `maxBytes`, `INVALID_ARGUMENT` if it isn't gzip.
 */
export function inflate(data: Buffer, options: InflateOptions): Promise<Buffer> {
  const { maxBytes } = options;
  return inflateBytes(data, options, (why, cause) =>
    why === 'too large' ? gatewayErrors.MESSAGE_TOO_LARGE({ maxBytes }) : gatewayErrors.MESSAGE_NOT_GZIP({ cause }),
  );
}

/**
 * The message of an envelope.
 *
 * @throws RpcError `INTERNAL` if it is compressed although the call names no encoding, or has a flag that requests don't.
 */
export function messageOf(
  { flags, data }: Envelope,
  { encoding, ...options }: InflateOptions & { readonly encoding: Encoding },
): Buffer | Promise<Buffer> {
  if (flags === 0) return data;
  if (flags !== COMPRESSED) throw gatewayErrors.UNKNOWN_FLAGS({ flags });
  if (encoding === 'identity') throw gatewayErrors.NO_ENCODING();
  return inflate(data, options);
}

/** A message in its envelope, compressed if the client accepts it and it pays. */
export function enveloped(message: Uint8Array, compress: boolean): Buffer | Promise<Buffer> {
  if (!compress || !isWorthwhile(message)) return envelop(message);
  return toGzip(message).then((smaller) => envelop(smaller, COMPRESSED));
}
