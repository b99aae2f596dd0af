export { createHealth } from './health.js';
