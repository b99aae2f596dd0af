export { type Backoff, createBackoff } from './backoff.js';
export { createPause } from './pause.js';
export { type WithinOptions, within } from './within.js';
