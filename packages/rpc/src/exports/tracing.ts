/**
 * Tracing by OpenTelemetry: a span of each call at its client and at its server. A process of `@rondo/service` calls this by
 * itself if an `OTEL_…` variable is set. Others call it once they have set up their SDK:
 *
 * ```ts
 * import { traceCalls } from '@rondo/rpc/tracing';
 *
 * traceCalls();
 * ```
 */

export { createContextManager } from '../telemetry/context-manager.js';
export { createIdGenerator } from '../telemetry/id-generator.js';
export { traceCalls } from '../telemetry/trace-calls.js';
