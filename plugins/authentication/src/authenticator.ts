import type { Principal } from '@rondo/rpc/call';
import { type CredentialHeaders, readCredentials } from './credentials.js';
import { credentialErrors } from './errors.js';
import { KeyRing } from './keys/key-ring.js';
import { createTokenVerifier, type TokenRules, type TokenSurroundings } from './tokens/verifier.js';

/** Options of {@link createAuthenticator}: which credentials are accepted. */
export interface AuthenticatorOptions extends TokenSurroundings {
  /** Tokens; none are accepted by default. */
  readonly tokens?: TokenRules | undefined;
  /** The file of `rondo keys`; no API keys are accepted by default. */
  readonly keyFile?: string | undefined;
}

/** Verifies the credentials of people and programs outside of the system. */
export interface Authenticator {
  /**
   * On whose behalf a call is made; undefined if it has no credentials.
   *
   * @throws RpcError `UNAUTHENTICATED` for credentials that aren't valid, `INVALID_ARGUMENT` for several, and
   * `UNAVAILABLE` if the keys of the token's issuer can't be fetched.
   */
  authenticate(headers: CredentialHeaders): Promise<Principal | undefined>;
  /** Stops following the files. */
  close(): void;
}

/**
 * Creates an authenticator.
 *
 * @throws Error if the file of API keys is malformed.
 */
export function createAuthenticator({ tokens, keyFile, ...surroundings }: AuthenticatorOptions): Authenticator {
  const verifyToken = tokens && createTokenVerifier(tokens, surroundings);
  const keys = keyFile === undefined ? undefined : new KeyRing({ file: keyFile, ...surroundings });
  keys?.watch();
  return {
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
