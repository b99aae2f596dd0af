import { type Config, integer, oneOf, optionalVariable, variable } from '@rondo/service';

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

/** The options of `createAudit` by the environment. */
export function auditBy({ audit, auth, auditRetentionDays = 90 }: AuditConfig) {
  return { enabled: (audit ?? auth) === 'on', retentionDays: auditRetentionDays };
}
