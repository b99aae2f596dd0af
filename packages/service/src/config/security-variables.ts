import { TLS_MODES } from '@rondo/rpc/internal';
import { integer, list, matching, oneOf, type Parser, text, url, valid } from './parsers.js';
import { type Config, optionalVariable, variable } from './variables.js';

/** The variables of mutual TLS, which every service reads. */
export const tlsVariables = {
  tls: variable('RONDO_TLS', oneOf(TLS_MODES), {
    default: 'off',
    example: 'on',
    description: 'Whether connections to other processes have mutual TLS: on, off, or permissive for both.',
  }),
  tlsDir: optionalVariable('RONDO_TLS_DIR', text, {
    example: '/var/run/secrets/rondo',
    description: "The folder of the process's certificate: tls.crt, tls.key and ca.crt, or SPIRE's names.",
  }),
  auth: optionalVariable('RONDO_AUTH', oneOf(['on', 'off']), {
    example: 'on',
    description:
      'Whether only those calls are served that the contracts allow their callers; on needs RONDO_TLS=on. Beyond the loopback it has to be set if the contracts have rules.',
  }),
  insecure: optionalVariable('RONDO_INSECURE', oneOf(['1']), {
    description:
      'Whether the process may listen beyond the loopback without TLS, on a network that is closed otherwise.',
  }),
} as const;

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

const days = integer({ min: 1, max: 36_500 });
/** How long an audit keeps its events: a number of days, `on` for 90, `off` for no audit. */
const audit: Parser<number | 'on' | 'off'> = {
  rule: 'on, off, or the days for which events are kept, from 1 to 36500',
  example: '365',
  parse: (text) => (text === 'on' || text === 'off' ? valid(text) : days.parse(text)),
  format: String,
};

/** The environment variables of a service that keeps an audit. */
export const auditVariables = {
  audit: optionalVariable('RONDO_AUDIT', audit, {
    description: 'Whether the service writes down who did what, and for how many days; by default if RONDO_AUTH is on.',
  }),
  auth: variable('RONDO_AUTH', oneOf(['on', 'off']), {
    default: 'off',
    description: 'Whether the contracts say who may call a method.',
  }),
} as const;

/** The values of {@link auditVariables}; a test may leave them out. */
export type AuditConfig = Partial<Config<typeof auditVariables>>;
