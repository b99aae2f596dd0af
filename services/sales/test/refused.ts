import { expect } from '@jest/globals';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import type { RpcError, StatusName } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';

/** The error of a refused call. */
export interface Refusal {
  readonly error: RpcError;
  /** The invalid fields. */
  readonly fields: readonly string[];
}

/** Expects `call` to fail with a status code and a message that contains `message`. */
export async function refused(call: Promise<unknown>, code: StatusName, message = ''): Promise<Refusal> {
  const error = await failureOf(call);
  expect(`${error.codeName}: ${error.message}`).toMatch(new RegExp(`^${code}: `));
  expect(error.message).toContain(message);
  return { error, fields: (error.detail(BadRequest)?.fieldViolations ?? []).map(({ field }) => field) };
}
