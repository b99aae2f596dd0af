import { describe, expect, it } from '@jest/globals';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { untilAnswered } from './until-answered.js';

describe('untilAnswered', () => {
  it('calls again after what passes, and gives the answer', async () => {
    const outcomes = [Status.UNAVAILABLE, Status.ABORTED, Status.DEADLINE_EXCEEDED, undefined];
    const call = async () => {
      const code = outcomes.shift();
      if (code !== undefined) throw new RpcError(code, 'later');
      return 'done';
    };
    await expect(untilAnswered(call)).resolves.toBe('done');
  });

  it('throws any other error at once, and what lasts in the end', async () => {
    let made = 0;
    const failing = (code: Status) => () => {
      made += 1;
      return Promise.reject(new RpcError(code, 'no'));
    };
    await expect(untilAnswered(failing(Status.FAILED_PRECONDITION))).rejects.toMatchObject({ code: 9 });
    expect(made).toBe(1);
    await expect(untilAnswered(failing(Status.UNAVAILABLE))).rejects.toMatchObject({ code: 14 });
    expect(made).toBe(201);
  });
});
