import { RpcError, Status } from '@rondo/rpc/status';
import { type Peer, PeerUnavailable } from './domain/errors.js';

/** The statuses of transient failures. Any other status of another service is a fault of its code or of this one. */
export const TRANSIENT: ReadonlySet<Status> = new Set([
  Status.UNAVAILABLE,
  Status.DEADLINE_EXCEEDED,
  Status.RESOURCE_EXHAUSTED,
  Status.ABORTED,
]);

/**
 * The response of another service.
 *
 * @throws Unavailable if the service can't be reached, or doesn't reply in time.
 */
export async function ask<T>(peer: Peer, response: Promise<T>): Promise<T> {
  try {
    return await response;
  } catch (error) {
    throw error instanceof RpcError && TRANSIENT.has(error.code) ? new PeerUnavailable(peer, error) : error;
  }
}
