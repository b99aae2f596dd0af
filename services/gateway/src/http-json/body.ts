import { gatewayErrors } from '../errors.js';
import type { HttpExchange } from '../listener/exchange.js';
import { inflateBytes } from '../protocols/compression.js';
import { HttpFault } from './fault.js';

/** The content type of a request without its parameters, in lower case; empty if it has none. */
const contentTypeOf = ({ headers }: HttpExchange): string =>
  (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';

/**
 * `curl -d` labels its JSON as a form, so that type is accepted. A page of another origin can send it without a
 * preflight; the edge refuses such requests.
 */
const JSON_TYPE = /^application\/(?:json|[\w.+-]+\+json|x-www-form-urlencoded)$/;

/**
 * Refuses a body that isn't what the method takes.
 *
 * @throws HttpFault 415 that lists what it takes.
 */
export function checkContentType(exchange: HttpExchange, taken: readonly string[] = ['application/json']): void {
  const type = contentTypeOf(exchange);
  if (type === '' || taken.includes(type) || (taken.includes('application/json') && JSON_TYPE.test(type))) return;
  const error = gatewayErrors.OTHER_CONTENT_TYPE({ type, taken: taken.join(' or ') });
  throw new HttpFault(415, error, { accept: taken.join(', ') });
}

/**
 * Reads the whole body, and inflates it if it is compressed.
 *
 * @throws BodyError, also if the inflated body is larger than `maxBytes`, and HttpFault 415 for another encoding.
 */
export async function readBody(exchange: HttpExchange, maxBytes: number): Promise<Buffer> {
  const encoding = checkEncoding(exchange, ['gzip']);
  const body = await exchange.body.whole(maxBytes);
  if (encoding === 'identity') return body;
  return inflateBytes(body, { body: exchange.body, maxBytes }, BODY_ERRORS);
}

const BODY_ERRORS = {
  tooLong: (maxBytes: number) => gatewayErrors.BODY_TOO_LARGE({ maxBytes }),
  unreadable: () => gatewayErrors.BODY_NOT_GZIP(),
};

/** @throws HttpFault 415 for an encoding that isn't among `known`. */
export function checkEncoding({ headers }: HttpExchange, known: readonly string[]): string {
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity' || known.includes(encoding)) return encoding;
  const accepted = ['identity', ...known].join(', ');
  const error = gatewayErrors.OTHER_CONTENT_ENCODING({ encoding, accepted });
  throw new HttpFault(415, error, { 'accept-encoding': accepted });
}
