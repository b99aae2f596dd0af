/** The development issuer of a system that runs with --auth. */

/**
 * The variables with which all processes accept the tokens of the development issuer, and API keys; none without --auth. The issuer
 * is made if the folder has none.
 * @param {string | undefined} auth The folder of the issuer.
 * @returns {Promise<Record<string, string>>}
 */
export async function authVariables(auth) {
  if (auth === undefined) return {};
  const { DEVELOPMENT, prepareDevelopmentIssuer } = await import('@rondo/authentication');
  const { jwks, apiKeys } = await prepareDevelopmentIssuer(auth);
  return {
    RONDO_AUTH: 'on',
    RONDO_AUTH_ISSUER: DEVELOPMENT.issuer,
    RONDO_AUTH_AUDIENCE: DEVELOPMENT.audience,
    RONDO_AUTH_JWKS: jwks,
    RONDO_API_KEYS: apiKeys,
  };
}
