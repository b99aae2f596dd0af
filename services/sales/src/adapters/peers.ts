import { RpcError, Status } from '@rondo/rpc/status';
import { type Peer, Unavailable } from '../domain/errors.js';

/** What passes when another service is away or overloaded; anything else it answers is a fault of one of us. */
export const PASSING: ReadonlySet<Status> = new Set([
  Status.UNAVAILABLE,
  Status.DEADLINE_EXCEEDED,
  Status.RESOURCE_EXHAUSTED,
  Status.ABORTED,
]);

/**
 * What another service answers.
 *
 * @throws Unavailable where it can't be reached, or doesn't answer in time.
 */
export async function ask<T>(peer: Peer, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw error instanceof RpcError && PASSING.has(error.code) ? new Unavailable(peer, error) : error;
  }
}
