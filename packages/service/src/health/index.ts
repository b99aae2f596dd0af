export { createHealth, type HealthOptions } from './health.js';
