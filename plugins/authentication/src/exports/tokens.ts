/**
 * Tokens and API keys as the credentials of a service's callers: `RONDO_AUTH_ISSUER=https://login.example.com/`.
 *
 * ```ts
 * import { tokens } from '@rondo/authentication/tokens';
 * import { runService } from '@rondo/service';
 *
 * await runService({ name: 'shop', port: 50060, createApp: () => ({ services: [] }), plugins: [tokens] });
 * ```
 *
 * @packageDocumentation
 */

import type { TokensPlugin } from '@rondo/service';

/** Verifies tokens of issuers, and API keys. */
export const tokens: TokensPlugin = {
  kind: 'tokens',
  package: '@rondo/authentication',
  async open(options) {
    const [{ createAuthenticator }, { faultOf }] = await Promise.all([
      import('../authenticator.js'),
      import('../tokens/key-source.js'),
    ]);
    const faults = (options.tokens?.issuers ?? []).map(faultOf).filter((fault) => fault !== undefined);
    if (faults.length > 0) throw new TypeError(`${faults.join('; ')}, by RONDO_AUTH_JWKS`);
    return createAuthenticator(options);
  },
};
