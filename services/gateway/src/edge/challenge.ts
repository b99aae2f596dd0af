import type { DescMethod } from '@bufbuild/protobuf';
import { RpcError, Status } from '@rondo/rpc/status';
import { authOf } from '../discovery/exposure.js';
import type { HttpExchange } from '../listener/exchange.js';

const SCHEME = 'Bearer realm="rondo"';
/** What can't be in `error_description`. */
const NOT_TEXT = /[^\x20\x21\x23-\x5b\x5d-\x7e]/g;

/**
 * The beginning of a challenge. Agents find the issuers of tokens by it.
 *
 * Source: https://www.rfc-editor.org/rfc/rfc9728#section-5.1
 */
export const schemeOf = ({ resourceMetadata: url }: HttpExchange): string =>
  url === undefined ? SCHEME : `${SCHEME}, resource_metadata="${url}"`;

/**
 * Adds `WWW-Authenticate` to the answer of a request that is refused for its credentials, or for the lack of them. `method` is
 * the method that the request calls, if that is known.
 *
 * Source: https://www.rfc-editor.org/rfc/rfc6750#section-3
 */
export function challenge(exchange: HttpExchange, error: unknown, method?: DescMethod): void {
  const { identity, answerHeaders, responded } = exchange;
  if (identity === undefined || responded || !(error instanceof RpcError)) return;
  const text = challengeOf(error, identity.principal?.scopes, method)?.replace(SCHEME, schemeOf(exchange));
  // What the edge says of the credentials themselves stays.
  if (text !== undefined) answerHeaders['www-authenticate'] ??= text;
}

/** `granted` are the scopes of the principal; undefined if there is none. */
function challengeOf(
  { code, message }: RpcError,
  granted: readonly string[] | undefined,
  method: DescMethod | undefined,
): string | undefined {
  if (method === undefined) {
    const description = `error_description="${message.replace(NOT_TEXT, "'")}"`;
    if (code === Status.UNAUTHENTICATED) return `${SCHEME}, error="invalid_token", ${description}`;
    return code === Status.INVALID_ARGUMENT ? `${SCHEME}, error="invalid_request", ${description}` : undefined;
  }
  if (code === Status.UNAUTHENTICATED) return SCHEME;
  if (code !== Status.PERMISSION_DENIED || granted === undefined) return undefined;
  const scopes = authOf(method)?.scopes ?? [];
  if (scopes.every((scope) => granted.includes(scope))) return undefined;
  return `${SCHEME}, error="insufficient_scope", scope="${scopes.join(' ')}"`;
}
