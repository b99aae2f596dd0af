import { list, matching, text, url } from './parsers.js';
import { optionalVariable } from './variables.js';

const issuer = matching(/^\S{1,2048}$/, 'a name without spaces', 'https://login.example.com/');
const LOCATION = { protocols: ['https:', 'http:', 'file:'], example: 'https://login.example.com/keys' };

/** The variables of credentials from outside of the system, which every service reads. */
export const authVariables = {
  authIssuers: optionalVariable('RONDO_AUTH_ISSUER', list(issuer), {
    description: 'The issuers whose tokens are accepted, as the tokens name them; by default no tokens are.',
  }),
  authAudience: optionalVariable('RONDO_AUTH_AUDIENCE', text, {
    example: 'https://api.example.com',
    description: 'The audience of the tokens: their claim aud has to name it.',
  }),
  authJwks: optionalVariable('RONDO_AUTH_JWKS', url(LOCATION), {
    description: "The URL of the issuer's keys; by default the discovery of OpenID Connect finds it.",
  }),
  authScopesClaim: optionalVariable('RONDO_AUTH_SCOPES_CLAIM', text, {
    example: 'realm_access.roles',
    description: 'The claim that has the scopes, or the path to it; by default scope or scp.',
  }),
  apiKeys: optionalVariable('RONDO_API_KEYS', text, {
    example: '/var/run/secrets/rondo/keys.json',
    description: 'The file of the API keys that are accepted, which rondo keys writes; by default none are.',
  }),
} as const;
