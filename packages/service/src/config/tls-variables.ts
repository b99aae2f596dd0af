import { TLS_MODES, TLS_VERSIONS } from '@rondo/rpc/internal';
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
  tlsCert: optionalVariable('RONDO_TLS_CERT', text, {
    example: '/etc/rondo/sales.pem',
    description: 'The file of the certificate and its chain, if it has another name.',
  }),
  tlsKey: optionalVariable('RONDO_TLS_KEY', text, {
    example: '/etc/rondo/sales-key.pem',
    description: "The file of the certificate's key, if it has another name.",
  }),
  tlsCa: optionalVariable('RONDO_TLS_CA', text, {
    example: '/etc/rondo/bundle.pem',
    description: 'The file of the certificate authorities to trust, if it has another name.',
  }),
  tlsMinVersion: variable('RONDO_TLS_MIN_VERSION', oneOf(TLS_VERSIONS), {
    default: '1.3',
    example: '1.2',
    description: 'The oldest version of TLS that is spoken.',
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
