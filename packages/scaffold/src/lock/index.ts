export { withLock } from './lock.js';
export { withTreeLock } from './tree-lock.js';
