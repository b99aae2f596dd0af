export { type Call, type Logger, type Payload, type Reply, type ServerCall, silentLogger } from './call.js';
export { CallContext, type ContextKey, type ContextKeyOptions, createContextKey } from './context.js';
export { CallLimit, type CallLimitOptions, cancelled, type DeadlineSource, deadlineExceeded } from './limit.js';
export { Metadata, type MetadataInit, type MetadataSource, type MetadataValue } from './metadata.js';
export { NOT_HANDLED } from './metadata-rules.js';
export {
  type CallBounds,
  type CallScope,
  currentBounds,
  currentPatience,
  currentScope,
  iterateInScope,
  type Patience,
  runInScope,
  runOutsideScope,
} from './scope.js';
export { newTraceId, propagateTrace, receivedTraceId } from './trace.js';
