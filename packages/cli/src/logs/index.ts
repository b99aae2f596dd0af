export { readLogs } from './follow.js';
export { listLogs, logNames, selectLogs, unknownLog } from './log-folder.js';
export { formatLogLine, isOfTrace } from './log-line.js';
