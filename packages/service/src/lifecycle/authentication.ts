import { callPrincipal, type Metadata, type ServerCall } from '@rondo/rpc/call';
import type { Middleware } from '@rondo/rpc/middleware';
import type { SharedConfig } from '../config/shared.js';
import { ConfigurationError } from '../config/variables.js';
import { type Plugin, pickPlugin } from '../plugin.js';
import type { Authenticator, TokenRules, TokensPlugin } from '../tokens.js';
import type { ServiceRuntime } from './service.js';
import { StartupError } from './startup-error.js';

const isTokens = (plugin: Plugin): plugin is TokensPlugin => plugin.kind === 'tokens';

/**
 * Opens what verifies credentials from outside of the system. Undefined if none are accepted.
 *
 * @throws ConfigurationError if the variables contradict each other or the app doesn't pass the plugin; StartupError if the file of
 *   API keys can't be used.
 */
export async function openAuthentication(runtime: ServiceRuntime): Promise<Authenticator | undefined> {
  const { config, plugins, clock, wallClock, log } = runtime;
  const tokens = tokenRules(config);
  if (tokens === undefined && config.apiKeys === undefined) return undefined;
  const variable = tokens === undefined ? 'RONDO_API_KEYS' : 'RONDO_AUTH_ISSUER';
  const plugin = pickPlugin(plugins, { is: isTokens, variable, package: '@rondo/authentication' });
  try {
    return await plugin.open({ tokens, keyFile: config.apiKeys, clock, wallClock, log });
  } catch (cause) {
    if (cause instanceof TypeError) throw new ConfigurationError([`RONDO_AUTH_ISSUER: ${cause.message}`]);
    throw new StartupError(`its API keys can't be used: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

/** @throws ConfigurationError that names the variable which is missing, or too much. */
function tokenRules(config: SharedConfig): TokenRules | undefined {
  const { authIssuers, authAudience: audience, authJwks, authScopesClaim: scopesClaim } = config;
  if (authIssuers === undefined) {
    if ((audience ?? authJwks ?? scopesClaim) === undefined) return undefined;
    throw new ConfigurationError(['RONDO_AUTH_ISSUER is not set, and other variables of tokens are: set it, too']);
  }
  if (audience === undefined) {
    throw new ConfigurationError([
      'RONDO_AUTH_ISSUER needs RONDO_AUTH_AUDIENCE: without it, tokens for other systems of the issuer would be accepted',
    ]);
  }
  if (authJwks !== undefined && authIssuers.length > 1) {
    throw new ConfigurationError([
      `RONDO_AUTH_JWKS has the keys of one issuer, and RONDO_AUTH_ISSUER names ${authIssuers.length}: leave it out`,
    ]);
  }
  const jwks = authJwks === undefined ? undefined : new URL(authJwks);
  return { issuers: authIssuers.map((name) => ({ name, jwks })), audience, scopesClaim };
}

/** Verifies the credentials of calls that have some, and sets the principal of the call. */
export function authenticateCalls(authenticator: Authenticator): Middleware<ServerCall> {
  return (call, next) => {
    const { metadata, values } = call;
    if (metadata.get('authorization') === undefined && metadata.get('x-api-key') === undefined) return next(call);
    const headers = { authorization: textsOf(metadata, 'authorization'), apiKey: textsOf(metadata, 'x-api-key') };
    return authenticator.authenticate(headers).then((principal) => {
      values.set(callPrincipal, principal);
      return next(call);
    });
  };
}

const textsOf = (metadata: Metadata, key: string): readonly string[] => metadata.getAll(key).map(String);
