export type { Call, Payload, Reply, ServerCall } from './call.js';
export { CallContext, type ContextKey, type ContextKeyOptions, createContextKey } from './context.js';
export { CallLimit, type CallLimitOptions, cancelled, type DeadlineSource, deadlineExceeded } from './limit.js';
export { type Logger, silentLogger } from './logger.js';
export { Metadata, type MetadataInit, type MetadataSource, type MetadataValue } from './metadata.js';
export { NOT_HANDLED } from './metadata-rules.js';
export { type CallBounds, currentBounds, currentPatience, type Patience } from './patience.js';
export { type CallScope, currentScope, iterateInScope, runInScope, runOutsideScope } from './scope.js';
export { newTraceId, propagateTrace, receivedTraceId } from './trace.js';
