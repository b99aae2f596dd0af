import { RpcError, Status } from '@rondo/rpc/status';

/** The credentials aren't valid. HTTP 401, with `invalid_token`. */
export function invalidCredentials(reason: string, cause?: unknown): RpcError {
  // @text the credentials are refused: <what is wrong with them>
  // @cause The token or API key of the call can't be accepted: it has expired, is for another audience, isn't signed by its
  // issuer, or is revoked. The text says which.
  // @remedy Get a new token, or make a new key with `rondo keys create`.
  // @effect none
  return new RpcError(Status.UNAUTHENTICATED, `the credentials are refused: ${reason}`, { cause });
}

/** The request has credentials in a form that can't be read. HTTP 400, with `invalid_request`. */
export function malformedCredentials(reason: string): RpcError {
  // @text the credentials can't be read: <what is wrong with the header>
  // @cause The call has several credentials, or an empty one.
  // @remedy Send one: `authorization: Bearer <token or key>`, or `x-api-key: <key>`.
  // @effect none
  return new RpcError(Status.INVALID_ARGUMENT, `the credentials can't be read: ${reason}`);
}

/** The issuer's keys can't be had, so that nothing can be said of the token. HTTP 503. */
export function issuerAway(issuer: string, cause: unknown): RpcError {
  // @text the keys of the issuer <issuer> can't be read now, so that the token can't be checked; call again soon
  // @cause The server has no key for the token, and couldn't ask the issuer for its keys. Tokens whose keys are known go on
  // working.
  // @remedy Call again. If it lasts, the server's log says why the keys can't be read.
  // @effect none
  return new RpcError(
    Status.UNAVAILABLE,
    `the keys of the issuer ${issuer} can't be read now, so that the token can't be checked; call again soon`,
    { cause },
  );
}
