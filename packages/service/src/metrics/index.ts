export { meterBalancing } from './balancing.js';
export { startMetrics } from './metrics.js';
export { meterDiscovery } from './process.js';
