/**
 * One call, as handlers and middleware see it: its metadata, values and logger, and what the work for it may still take.
 * Nothing here loads a transport.
 *
 * ```ts
 * import { currentWorkLimits, type ServerCall } from '@rondo/rpc/call';
 *
 * async function getPrice({ name }: GetPriceRequest, { log, metadata }: ServerCall) {
 *   log.debug({ name, tenant: metadata.get('tenant') }, 'a price is read');
 *   // Ends with the call, and waits for the database as long as the call may.
 *   return { price: await store.read(name, currentWorkLimits()) };
 * }
 * ```
 */

export { type Call, type Logger, type ServerCall, silentLogger } from '../call/call.js';
export { CallContext } from '../call/call-context.js';
export { Metadata } from '../call/metadata.js';
export { currentScope, currentWorkLimits, runOutsideScope } from '../call/scope.js';
export { type ContextKey, callerIdentity, callPrincipal, createContextKey, type Principal } from '../call/values.js';
export { type Raw, raw } from '../contract/definition.js';
