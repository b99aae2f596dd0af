import { defineErrors } from '@rondo/rpc/status';

/** What is wrong with the credentials of a call. */
export const credentialErrors = defineErrors('the server', {
  /** HTTP 401, with `invalid_token`. */
  REFUSED: {
    code: 'UNAUTHENTICATED',
    text: 'the credentials are refused: {reason}',
    cause: "The token or API key of the call can't be accepted: it has expired, is for another audience, isn't signed by its issuer, or is revoked. The text says which.",
    remedy: 'Get a new token, or make a new key with `rondo keys create`.',
  },
  /** HTTP 400, with `invalid_request`. */
  MALFORMED: {
    code: 'INVALID_ARGUMENT',
    text: "the credentials can't be read: {reason}",
    cause: 'The call has several credentials, or an empty one.',
    remedy: 'Send one: `authorization: Bearer <token or key>`, or `x-api-key: <key>`.',
  },
  /** HTTP 503. */
  ISSUER_AWAY: {
    code: 'UNAVAILABLE',
    text: "the keys of the issuer {issuer} can't be read now, so that the token can't be checked; call again soon",
    cause: "The server has no key for the token, and couldn't ask the issuer for its keys. Tokens whose keys are known go on working.",
    remedy: "Call again. If it lasts, the server's log says why the keys can't be read.",
    effect: 'none',
  },
});
