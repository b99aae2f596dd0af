import { TLS_MODES } from '@rondo/rpc/internal';
import { oneOf, text } from './parsers.js';
import { optionalVariable, variable } from './variables.js';

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
