export { type Connections, callerConnections } from './connections.js';
export { type Load, runLoad } from './load.js';
export { parseMetadata } from './metadata.js';
export { probe, stream } from './outcome.js';
export { createProgress } from './progress.js';
export { allMessages, type RequestSource, requestSource, toMessages } from './requests.js';
export { explainNotBegun, toJsonLine, toSummary } from './summary.js';
export { learnSchema, parseMethodName, type Target, type Where, whereOf, withTarget } from './target.js';
export { callerZone } from './zone.js';
