/**
 * The start of a service: its configuration from the environment, its registration, health, drain and metrics.
 *
 * ```ts
 * import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
 * import { implement } from '@rondo/rpc/server';
 * import { integer, runService, variable } from '@rondo/service';
 *
 * await runService({
 *   name: 'adder',
 *   port: 50059,
 *   variables: { bonus: variable('ADDER_BONUS', integer(), { default: 0 }) },
 *   createApp: (_context, { bonus }) => ({
 *     services: [implement(AdderServiceDefinition, { add: ({ a, b }) => ({ result: a + b + BigInt(bonus) }) })],
 *   }),
 * });
 * ```
 */

export {
  formatHostPort,
  type HostPort,
  hostPort,
  integer,
  list,
  listenAddress,
  matching,
  oneOf,
  type Parser,
  text,
  url,
} from '../config/parsers.js';
export { type AuditConfig, auditVariables } from '../config/security-variables.js';
export { REGISTRY_PORT } from '../config/shared.js';
export { type Config, ConfigurationError, optionalVariable, type Variable, variable } from '../config/variables.js';
export type { Exporter } from '../exporter.js';
export { runService } from '../lifecycle/run.js';
export type { App, ServiceContext } from '../lifecycle/service.js';
export { type RunningService, startService } from '../lifecycle/start.js';
export { cannotBind, StartupError } from '../lifecycle/startup-error.js';
export type { Authenticator, TokensPlugin } from '../tokens.js';
