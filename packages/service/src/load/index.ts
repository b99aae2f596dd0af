export { createLoadMeter } from './meter.js';
export { createLoadReports } from './reports.js';
