export { checkAll } from './check.js';
export { formatEntries, formatRemarks } from './format.js';
export type { Entry } from './remarks.js';
export { viewEntry, viewMarks } from './view.js';
