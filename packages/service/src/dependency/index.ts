export type { Dependency } from './dependency.js';
export { createGate, type GateOptions } from './gate.js';
export { type WatchOptions, watchDependencies } from './watch.js';
