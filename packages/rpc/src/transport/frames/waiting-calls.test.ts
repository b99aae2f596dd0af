import { describe, expect, it } from '@jest/globals';
import { emptyReply } from '../../../test/support/fake-transport.js';
import { failure } from '../../../test/support/outcome.js';
import { wireCall } from '../../../test/support/wire-call.js';
import { CallContext, cancelled } from '../../call/call-context.js';
import { Status } from '../../status/code.js';
import { RpcError } from '../../status/rpc-error.js';
import { WaitingCalls } from './waiting-calls.js';

const send = () => Promise.resolve(emptyReply);

function makeWaiting() {
  const counts = { begun: 0, ended: 0 };
  const waiting = new WaitingCalls({
    onBegin: () => {
      counts.begun += 1;
      return () => {
        counts.ended += 1;
      };
    },
    left: () => cancelled(),
  });
  return { waiting, counts };
}

describe('calls that wait for room', () => {
  it('are taken in the order in which they came', async () => {
    const { waiting, counts } = makeWaiting();
    const replies = [1, 2, 3].map((bytes) => waiting.add(wireCall(), bytes, send));
    for (const bytes of [1, 2, 3]) {
      const { first } = waiting;
      expect(first?.bytes).toBe(bytes);
      if (first === undefined) continue;
      waiting.remove(first);
      first.resolve(first.send());
    }
    expect(waiting.count).toBe(0);
    expect(await Promise.all(replies)).toEqual([emptyReply, emptyReply, emptyReply]);
    expect(counts).toEqual({ begun: 3, ended: 3 });
  });

  it('leave when their callers do', async () => {
    const { waiting, counts } = makeWaiting();
    const context = new CallContext();
    const left = failure(waiting.add(wireCall({ context }), 1, send));
    void waiting.add(wireCall(), 2, send);
    context.end(cancelled());
    expect(await left).toMatchObject({ code: Status.CANCELLED });
    expect(waiting.first?.bytes).toBe(2);
    expect(counts).toEqual({ begun: 2, ended: 1 });
  });

  it('fail together, and then there is room for others', async () => {
    const { waiting, counts } = makeWaiting();
    const failures = [1, 2].map(() => failure(waiting.add(wireCall(), 0, send)));
    waiting.fail(() => new RpcError(Status.UNAVAILABLE, 'the connection has ended'));
    for (const { message } of await Promise.all(failures)) expect(message).toBe('the connection has ended');
    expect(waiting.count).toBe(0);
    expect(counts).toEqual({ begun: 2, ended: 2 });
  });

  it('are 16,384 at most', async () => {
    const { waiting, counts } = makeWaiting();
    for (let index = 0; index < 16_384; index += 1) void waiting.add(wireCall(), 0, send);
    expect(await failure(waiting.add(wireCall(), 0, send))).toMatchObject({
      message: expect.stringMatching(/^16384 calls wait/),
    });
    expect(counts).toEqual({ begun: 16_384, ended: 0 });
  });

  it('have requests of 64 MiB at most, of which those that leave are none', async () => {
    const { waiting } = makeWaiting();
    const half = 32 * 1_024 * 1_024;
    void waiting.add(wireCall(), half, send);
    void waiting.add(wireCall(), half, send);
    expect(await failure(waiting.add(wireCall(), 1, send))).toMatchObject({
      message: expect.stringMatching(/^2 calls wait/),
    });
    const { first } = waiting;
    if (first !== undefined) waiting.remove(first);
    void waiting.add(wireCall(), half, send);
    expect(await failure(waiting.add(wireCall(), 1, send))).toMatchObject({
      message: expect.stringMatching(/^2 calls wait/),
    });
  });
});
