import { RpcError } from '../status/rpc-error.js';

/**
 * The error of a call that must fail.
 *
 * @throws whatever else the call failed with; Error if the call succeeded.
 */
export async function failureOf(call: Promise<unknown>): Promise<RpcError> {
  const outcome: unknown = await call.then(
    (reply) => new Error('the call succeeded', { cause: reply }),
    (error: unknown) => error,
  );
  if (outcome instanceof RpcError) return outcome;
  throw outcome;
}
