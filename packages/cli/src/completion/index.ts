export { completeLine } from './complete-line.js';
export { completeMethod, completeService } from './registered.js';
export { type Shell, script, shells } from './script.js';
