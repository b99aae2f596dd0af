/**
 * The authentication of people and programs outside of the system: tokens of issuers (JWT), and API keys.
 *
 * ```ts
 * import { createAuthenticator } from '@rondo/authentication';
 * import { silentLogger as log } from '@rondo/rpc/call';
 * import { systemClock as clock, systemWallClock as wallClock } from '@rondo/rpc/clock';
 *
 * const issuers = [{ name: 'https://login.example.com/' }];
 * const authenticator = createAuthenticator({ tokens: { issuers, audience: 'shop' }, clock, wallClock, log });
 * const principal = await authenticator.authenticate({ authorization: ['Bearer eyJhbGciOiJFUzI1NiJ9…'], apiKey: [] });
 * ```
 */

export { createAuthenticator } from '../authenticator.js';
export { DEVELOPMENT, issueDevelopmentToken, prepareDevelopmentIssuer } from '../development-issuer.js';
export { hashOfApiKey, newApiKey } from '../keys/api-key.js';
export { changeKeyFile, readKeyFile } from '../keys/key-file.js';
