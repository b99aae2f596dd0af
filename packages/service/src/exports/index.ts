export {
  formatHostPort,
  type HostPort,
  hostPort,
  integer,
  list,
  listenAddress,
  matching,
  oneOf,
  type Parsed,
  type Parser,
  text,
  type UrlOptions,
  url,
} from '../config/parsers.js';
export { REGISTRY_PORT, sharedVariables } from '../config/shared.js';
export {
  type Config,
  ConfigurationError,
  type Environment,
  optionalVariable,
  type Variable,
  type VariableOptions,
  type Variables,
  variable,
} from '../config/variables.js';
export type { Dependency } from '../lifecycle/dependencies.js';
export { runService } from '../lifecycle/run.js';
export type { App, NoVariables, ServiceContext, ServiceOptions } from '../lifecycle/service.js';
export { type RunningService, type StartOptions, startService } from '../lifecycle/start.js';
export { StartupError } from '../lifecycle/startup-error.js';
