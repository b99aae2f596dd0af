import { expect } from '@jest/globals';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { RpcError, type StatusName } from '@rondo/rpc/status';

/** The error of a refused call. */
export interface Refusal {
  readonly error: RpcError;
  /** The invalid fields. */
  readonly fields: readonly string[];
}

/** Expects `call` to fail with a status code and a message that contains `message`. */
export async function refused(call: Promise<unknown>, code: StatusName, message = ''): Promise<Refusal> {
  const error = await call.then(
    (reply) => new Error(`not refused: ${String(reply)}`),
    (failure: unknown) => failure,
  );
  if (!(error instanceof RpcError)) throw error;
  expect(`${error.codeName}: ${error.message}`).toMatch(new RegExp(`^${code}: `));
  expect(error.message).toContain(message);
  return { error, fields: (error.detail(BadRequest)?.fieldViolations ?? []).map(({ field }) => field) };
}
