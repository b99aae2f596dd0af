export { type Asking, type Check, checkAll } from './check.js';
export { formatEntries, formatRemarks } from './format.js';
export { type Entry, notPicked } from './remarks.js';
export { viewEntry, viewMarks } from './view.js';
