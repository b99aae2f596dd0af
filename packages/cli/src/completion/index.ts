export { completeLine } from './complete-line.js';
export { completeInstances, completeMethod, completeService } from './registered.js';
export { type Shell, script, shells } from './script.js';
