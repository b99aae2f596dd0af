import { describe, expect, it } from '@jest/globals';
import { resolution } from '../../test/support/endpoints.js';
import { emptyReply } from '../../test/support/fake-transport.js';
import { failure } from '../../test/support/outcome.js';
import { makeCalls, never, unknown } from '../../test/support/retried-calls.js';
import { CallContext } from '../call/call-context.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';

const waiting = { waitForReady: true };

/** Two instances in transient failure. */
function away(policy = {}) {
  const calls = makeCalls({ instances: ['a', 'b'], policy });
  calls.answerWith(async () => emptyReply);
  for (const name of ['a', 'b']) calls.at(`${name}:1`).move('transient_failure', 'connection refused');
  return calls;
}

describe('a call that waits for ready', () => {
  it('is made once an instance is connected', async () => {
    const { call, at, asked, clock } = away();
    const made = call('unknown', {}, waiting);
    await clock.advance(9_000);
    expect(asked).toEqual([]);
    at('b:1').move('connecting');
    at('b:1').move('ready');
    await made;
    expect(asked).toEqual(['b']);
    expect(clock.timers).toBe(0);
  });

  it('does so because its contract says it, and a caller can refuse', async () => {
    const { call, at } = away({ waitForReady: true });
    expect(await failure(call('unknown', {}, { waitForReady: false }))).toMatchObject({ code: Status.UNAVAILABLE });
    const made = call('unknown');
    at('a:1').move('ready');
    await made;
  });

  it('waits for the first instance that becomes known', async () => {
    const { call, pool, asked } = away();
    pool.onResolution({ endpoints: [], departed: [] });
    const made = call('unknown', {}, waiting);
    await Promise.resolve();
    pool.onResolution(resolution('c'));
    await made;
    expect(asked).toEqual([]);
  });

  it('ends with its context, and leaves nothing behind', async () => {
    const { call, clock } = away();
    const context = new CallContext();
    const failed = failure(call('unknown', { context }, waiting));
    await clock.advance(1);
    context.end(new RpcError(Status.DEADLINE_EXCEEDED, 'too late'));
    expect(await failed).toMatchObject({ message: 'too late' });
    expect(clock.timers).toBe(0);
  });

  it('ends when the channel is closed', async () => {
    const { call, pool } = away();
    const failed = failure(call('unknown', {}, waiting));
    pool.close();
    expect(await failed).toMatchObject({
      code: Status.UNAVAILABLE,
      message: 'the channel is closed; make calls before close()',
    });
  });

  it('waits again if the connection is lost before the server takes the call', async () => {
    const { call, at, answerWith, asked, clock } = away();
    answerWith(async (_wire, name) => {
      if (asked.length > 1) return emptyReply;
      at(`${name}:1`).move('transient_failure', 'gone');
      throw never();
    });
    const made = call('unknown', {}, waiting);
    at('a:1').move('ready');
    await clock.advance(20);
    expect(asked).toEqual(['a']);
    at('a:1').move('ready');
    await clock.advance(0);
    await made;
    expect(asked).toEqual(['a', 'a']);
  });

  it('does not wait after a failure that may have had effects', async () => {
    const { call, at, failFirst, asked } = away();
    failFirst(1, unknown);
    const failed = failure(call('unknown', {}, waiting));
    at('a:1').move('ready');
    expect(await failed).toMatchObject({ message: 'the connection broke' });
    expect(asked).toEqual(['a']);
  });
});
