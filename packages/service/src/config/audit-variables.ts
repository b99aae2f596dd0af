import { integer, oneOf } from './parsers.js';
import { type Config, optionalVariable, variable } from './variables.js';

/** The environment variables of a service that keeps an audit. */
export const auditVariables = {
  audit: optionalVariable('RONDO_AUDIT', oneOf(['on', 'off']), {
    description: 'Whether the service writes down who did what; by default if RONDO_AUTH is on.',
  }),
  auditRetentionDays: variable('RONDO_AUDIT_RETENTION_DAYS', integer({ min: 1, max: 36_500 }), {
    default: 90,
    description: 'After how many days audit events are removed.',
  }),
  auth: variable('RONDO_AUTH', oneOf(['on', 'off']), {
    default: 'off',
    description: 'Whether the contracts say who may call a method.',
  }),
} as const;

/** The values of {@link auditVariables}; a test may leave them out. */
export type AuditConfig = Partial<Config<typeof auditVariables>>;
