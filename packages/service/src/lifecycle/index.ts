export { runService } from './run.js';
export type { App, NoVariables, ServiceContext, ServiceOptions } from './service.js';
export { type RunningService, type StartOptions, startService } from './start.js';
export { StartupError } from './startup-error.js';
