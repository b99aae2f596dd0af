import type { Authenticator } from '@rondo/service';
import type { HttpExchange } from '../listener/exchange.js';
import { challenge } from './challenge.js';

type CredentialHeaders = Parameters<Authenticator['authenticate']>[0];

/**
 * Takes the credentials of a request out of it, so that neither services nor logs get them: a token or an API key. Undefined if it
 * has none. A cookie is no credential: a browser also sends it with requests that pages of other sites make.
 */
export function takeCredentials(exchange: HttpExchange): CredentialHeaders | undefined {
  const { headers } = exchange;
  exchange.identity = { principal: undefined };
  if (headers.authorization === undefined && headers['x-api-key'] === undefined) return undefined;
  const sent = { authorization: valuesOf(exchange, 'authorization'), apiKey: valuesOf(exchange, 'x-api-key') };
  headers.authorization = undefined;
  headers['x-api-key'] = undefined;
  return sent;
}

/** Verifies the credentials of a request. The promise rejects with an RpcError if they are refused. */
export function verifyIdentity(
  exchange: HttpExchange,
  sent: CredentialHeaders,
  authenticator: Authenticator,
): Promise<void> {
  return authenticator.authenticate(sent).then(
    (principal) => {
      exchange.identity = { principal };
    },
    (error: unknown) => {
      challenge(exchange, error);
      throw error;
    },
  );
}

/** All values of a header. Of some, `headers` has only the first. */
function valuesOf({ rawHeaders }: HttpExchange, name: string): readonly string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}
