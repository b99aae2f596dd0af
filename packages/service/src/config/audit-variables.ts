import { integer, oneOf, type Parser, valid } from './parsers.js';
import { type Config, optionalVariable, variable } from './variables.js';

const days = integer({ min: 1, max: 36_500 });
const DEFAULT_DAYS = 90;

/** How long an audit keeps its events: a number of days, `on` for 90, `off` for no audit. */
const audit: Parser<AuditDays> = {
  rule: 'on, off, or the days for which events are kept, from 1 to 36500',
  example: '365',
  parse: (text) => (text === 'off' ? valid(text) : text === 'on' ? valid(DEFAULT_DAYS) : days.parse(text)),
  format: String,
};

type AuditDays = number | 'off';

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
