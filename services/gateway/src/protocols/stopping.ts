import type { Method } from '@rondo/rpc/internal';
import { gatewayErrors } from '../errors.js';

/** What decides whether a stream ends by itself. */
interface Limits {
  readonly method: Pick<Method, 'policy' | 'requestStream' | 'responseStream'>;
  /** How long the client gives the call, in milliseconds. */
  readonly timeoutMs: number | undefined;
}

export const STOPPING = gatewayErrors.STOPPING();

/**
 * Calls `listener` when the gateway drains, if the call is a stream without an end of its own. Returns a function that stops
 * that.
 */
export function onDrain(draining: AbortSignal, { method, timeoutMs }: Limits, listener: () => void): () => void {
  const { requestStream, responseStream, policy } = method;
  if (!(requestStream || responseStream) || policy.timeoutMs !== undefined || timeoutMs !== undefined) return () => {};
  draining.addEventListener('abort', listener, { once: true });
  if (draining.aborted) listener();
  return () => draining.removeEventListener('abort', listener);
}
