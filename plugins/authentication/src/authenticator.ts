import type { Authenticator, TokensPlugin } from '@rondo/service';
import { readCredentials } from './credentials.js';
import { credentialErrors } from './errors.js';
import { KeyRing } from './keys/key-ring.js';
import { createTokenVerifier } from './tokens/verifier.js';

/**
 * Creates an authenticator.
 *
 * @throws Error if the file of API keys is malformed.
 */
export function createAuthenticator({
  tokens,
  keyFile,
  ...surroundings
}: Parameters<TokensPlugin['open']>[0]): Authenticator {
  const verifyToken = tokens && createTokenVerifier(tokens, surroundings);
  const keys = keyFile === undefined ? undefined : new KeyRing({ file: keyFile, ...surroundings });
  keys?.watch();
  return {
    issuers: tokens?.issuers.map(({ name }) => name) ?? [],
    async authenticate(headers) {
      const credentials = readCredentials(headers);
      if (credentials === undefined) return undefined;
      if (credentials.kind === 'key') {
        if (keys === undefined) throw credentialErrors.REFUSED({ reason: 'no API keys are accepted here' });
        return keys.verify(credentials.text);
      }
      if (verifyToken === undefined) throw credentialErrors.REFUSED({ reason: 'no tokens are accepted here' });
      return verifyToken(credentials.text);
    },
    close: () => keys?.close(),
  };
}
