import { expect, it } from '@jest/globals';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { failureOf } from './failure-of.js';

it('returns the status of a failed call, and rejects with anything else', async () => {
  const error = new RpcError(Status.NOT_FOUND, 'there is none');
  expect(await failureOf(Promise.reject(error))).toBe(error);
  await expect(failureOf(Promise.reject(new TypeError('a bug')))).rejects.toThrow('a bug');
  await expect(failureOf(Promise.resolve(7))).rejects.toThrow('the call succeeded');
});
