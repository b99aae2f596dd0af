export type { Dependency } from './dependency.js';
export { createGate } from './gate.js';
export { watchDependencies } from './watch.js';
