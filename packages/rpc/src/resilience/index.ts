export {
  ejectionCap,
  isServerFault,
  isUntelling,
  median,
  mostlyFails,
  runIsOutlier,
  shareIsOutlier,
  slowFromMs,
} from './outlier.js';
export { Breaks, TOO_MANY_BREAKS } from './outlier-breaks.js';
export { Conduct } from './outlier-conduct.js';
export { Ejection, type EjectOptions } from './outlier-ejection.js';
export { OUTLIER_WINDOW_MS, OutcomeWindow, type Tally } from './outlier-window.js';
export { RetryBudget } from './retry-budget.js';
