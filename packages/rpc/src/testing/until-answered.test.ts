import { expect, it } from '@jest/globals';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { failureOf } from './failure-of.js';
import { untilAnswered } from './until-answered.js';

it('failureOf rejects if the call succeeded', async () => {
  await expect(failureOf(Promise.resolve(7))).rejects.toThrow('the call succeeded');
});

it('untilAnswered calls again after what passes, and throws any other error at once', async () => {
  const codes = [Status.UNAVAILABLE, Status.ABORTED, Status.DEADLINE_EXCEEDED, Status.NOT_FOUND];
  const call = () => Promise.reject(new RpcError(codes.shift() ?? Status.UNKNOWN, 'later'));
  await expect(untilAnswered(call)).rejects.toMatchObject({ code: Status.NOT_FOUND });
});
