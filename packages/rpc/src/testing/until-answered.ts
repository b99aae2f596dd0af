import { RpcError } from '../status/rpc-error.js';

const MOST_CALLS = 200;

/**
 * Repeats a call while it ends with `UNAVAILABLE`, `ABORTED` or `DEADLINE_EXCEEDED`: for tests with many calls at
 * once, some of which time out on a busy machine. The call must be idempotent, or have a `request_id`.
 *
 * @throws what the call failed with otherwise, or after 200 times.
 */
export async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  for (let made = 1; ; made += 1) {
    try {
      return await call();
    } catch (error) {
      if (made === MOST_CALLS || !isPassing(error)) throw error;
    }
  }
}

const PASSING = new Set(['UNAVAILABLE', 'ABORTED', 'DEADLINE_EXCEEDED']);

function isPassing(error: unknown): boolean {
  return error instanceof RpcError && PASSING.has(error.codeName);
}
