export { type Config, optionalVariable, type Variable, type VariableOptions, type Variables, variable, ConfigurationError, type Environment } from './config/variables.js';
export { formatHostPort, type HostPort, type Parsed, type Parser, hostPort, integer, list, listenAddress, matching, oneOf, text, type UrlOptions, url } from './config/parsers.js';
export { REGISTRY_PORT, sharedVariables } from './config/shared.js';
export type { Dependency } from './lifecycle/dependencies.js';
export type { App, NoVariables, ServiceContext, ServiceOptions } from './lifecycle/service.js';
export { type RunningService, type StartOptions, startService } from './lifecycle/start.js';
export { runService } from './lifecycle/run.js';
export { StartupError } from './lifecycle/startup-error.js';
