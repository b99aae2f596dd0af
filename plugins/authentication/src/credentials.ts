import type { Authenticator } from '@rondo/service';
import { credentialErrors } from './errors.js';

/** What a call presents to prove who makes it. */
export type Credentials = { readonly kind: 'token' | 'key'; readonly text: string };

/** The longest token or key. A header block of HTTP/2 has 16 KiB. Characters. */
const MAX_LENGTH = 8 * 1024;
/** What every API key begins with. No token does. */
export const KEY_PREFIX = 'rondo_';

/**
 * Reads the credentials of a call: `authorization: Bearer <token or API key>`, or `x-api-key: <API key>`. Undefined if
 * there are none.
 *
 * Source: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
 *
 * @throws RpcError `INVALID_ARGUMENT` for several credentials; `UNAUTHENTICATED` for a scheme that isn't accepted.
 */
export function readCredentials({
  authorization,
  apiKey,
}: Parameters<Authenticator['authenticate']>[0]): Credentials | undefined {
  const count = authorization.length + apiKey.length;
  if (count === 0) return undefined;
  // A proxy before this server may look at another one than this server.
  if (count > 1) throw credentialErrors.MALFORMED({ reason: `there are ${count}; send one` });
  const [header] = authorization;
  const text = header === undefined ? apiKey[0]?.trim() : bearerOf(header);
  if (text === undefined || text === '') throw credentialErrors.MALFORMED({ reason: 'the header is empty' });
  if (text.length > MAX_LENGTH)
    throw credentialErrors.REFUSED({ reason: `they have more than ${MAX_LENGTH} characters` });
  return { kind: header === undefined || text.startsWith(KEY_PREFIX) ? 'key' : 'token', text };
}

function bearerOf(header: string): string {
  const { scheme = '', token = '' } = /^(?<scheme>\S*) *(?<token>.*)$/s.exec(header.trim())?.groups ?? {};
  if (scheme.toLowerCase() !== 'bearer') throw credentialErrors.REFUSED({ reason: 'the scheme is not Bearer' });
  return token;
}
