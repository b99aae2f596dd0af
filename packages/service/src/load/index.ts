export { createCpuMeter } from './cpu.js';
export { createLoadMeter } from './meter.js';
export { createLoadReports } from './reports.js';
