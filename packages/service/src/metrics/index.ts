export { startMetrics } from './metrics.js';
export { meterDiscovery } from './process.js';
