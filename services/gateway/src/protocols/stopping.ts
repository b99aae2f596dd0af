import type { Method } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';

/** What decides whether a stream ends by itself. */
interface Limits {
  readonly method: Pick<Method, 'policy' | 'requestStream' | 'responseStream'>;
  /** How long the client gives the call, in milliseconds. */
  readonly timeoutMs: number | undefined;
}

// @cause The gateway is stopping.
// @remedy Ask again; another gateway, or this one after its restart, answers.
// @effect none
export const STOPPING = new RpcError(
  Status.UNAVAILABLE,
  'this gateway is stopping; ask again, and another one answers',
);

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
