export { compareContracts } from './compare.js';
export type { Difference } from './difference.js';
export { type InspectedService, inspect } from './inspect.js';
export { formatDivided } from './report.js';
export { dividedServices } from './versions.js';
