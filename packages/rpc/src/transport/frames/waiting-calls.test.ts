import { describe, expect, it } from '@jest/globals';
import { emptyReply } from '../../../test/support/fake-transport.js';
import { failure } from '../../../test/support/outcome.js';
import { wireCall } from '../../../test/support/wire-call.js';
import { CallContext, cancelled } from '../../call/call-context.js';
import { Status } from '../../status/code.js';
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
