export { describeMisspelling, findMisspellings, type Misspelling } from './nearest.js';
export { formatHostPort, type HostPort, type Parsed, type Parser } from './parser.js';
export {
  hostPort,
  integer,
  list,
  listenAddress,
  matching,
  oneOf,
  type ReachableAt,
  text,
  type UrlOptions,
  url,
} from './parsers.js';
export { ConfigurationError, type Environment, readConfig } from './read.js';
export { LOG_LEVELS, REGISTRY_PORT, type SharedConfig, sharedVariables } from './shared.js';
export {
  type Config,
  optionalVariable,
  type Variable,
  type VariableOptions,
  type Variables,
  variable,
} from './variable.js';
