import { createSemaphore } from '@rondo/rpc/clock';
import { decompress } from '@rondo/rpc/internal';
import { gatewayErrors } from '../errors.js';
import type { RequestBody } from '../listener/exchange.js';

/** What is being inflated isn't counted yet: so much at a time, as Node has threads for it, of the clients in rotation. */
const inflations = createSemaphore(4);

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
 * @throws RpcError one of `errors`. BodyError if all requests together keep too many.
 */
export async function inflateBytes(
  data: Buffer,
  { body, maxBytes }: InflateOptions,
  errors: Parameters<typeof decompress>[2],
): Promise<Buffer> {
  if (data.length === 0) return data;
  const inflating = () => decompress(data, { encoding: 'gzip', maxBytes }, errors);
  const inflated = await inflations.run(inflating, undefined, body.client);
  body.hold(data.length + inflated.length);
  return inflated;
}

const MESSAGE_ERRORS: Parameters<typeof decompress>[2] = {
  tooLong: (maxBytes) => gatewayErrors.MESSAGE_TOO_LARGE({ maxBytes }),
  unreadable: () => gatewayErrors.MESSAGE_NOT_GZIP(),
};

/**
 * Inflates a message, as {@link inflateBytes} does.
 *
 * @throws RpcError `RESOURCE_EXHAUSTED` if it grows beyond `maxBytes`, `INVALID_ARGUMENT` if it isn't gzip.
 */
export function inflate(data: Buffer, options: InflateOptions): Promise<Buffer> {
  return inflateBytes(data, options, MESSAGE_ERRORS);
}
