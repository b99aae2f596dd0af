export { HEALTH_SERVICE, HealthWatch } from './health-watch.js';
