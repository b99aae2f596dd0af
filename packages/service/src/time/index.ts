export { type Backoff, type BackoffOptions, createBackoff } from './backoff.js';
export { createPause, type Pause } from './pause.js';
export { type WithinOptions, within } from './within.js';
