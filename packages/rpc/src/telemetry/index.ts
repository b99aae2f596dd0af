export { type CallLogOptions, callLog } from './call-log.js';
export { callMetrics, DURATION_BOUNDARIES, type MetricsOptions } from './metrics.js';
