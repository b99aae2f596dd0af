import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { CallContext } from '@rondo/rpc/call';
import { RpcError, Status } from '@rondo/rpc/status';
import { Bulkhead } from './bulkhead.js';

function makeBulkhead({ maxCalls = 2, maxQueued = 2, queueTimeoutMs = 100 } = {}) {
  const clock = new ManualClock();
  return { clock, bulkhead: new Bulkhead({ maxCalls, maxQueued, queueTimeoutMs }, clock) };
}

describe('a bulkhead', () => {
  it('lets calls in up to its bound, queues the next ones in order, and refuses the rest', async () => {
    const { clock, bulkhead } = makeBulkhead();
    const entered: number[] = [];
    const enter = (name: number) => bulkhead.enter(new CallContext()).then((refusal) => refusal ?? entered.push(name));
    const all = [0, 1, 2, 3, 4].map(enter);
    expect(await all[4]).toBe('full');
    expect(bulkhead).toMatchObject({ inFlight: 2, queued: 2, refused: 1 });
    bulkhead.leave();
    expect(bulkhead).toMatchObject({ inFlight: 2, queued: 1 });
    bulkhead.leave();
    await Promise.all(all);
    expect(entered).toEqual([0, 1, 2, 3]);
    expect(bulkhead).toMatchObject({ inFlight: 2, queued: 0 });
    expect(clock.timers).toBe(0);
  });

  it('forgets a call whose caller leaves the queue', async () => {
    const { clock, bulkhead } = makeBulkhead({ maxCalls: 1 });
    await bulkhead.enter(new CallContext());
    const context = new CallContext();
    const left = bulkhead.enter(context);
    context.end(new RpcError(Status.CANCELLED, 'left'));
    await expect(left).rejects.toThrow('left');
    expect(bulkhead).toMatchObject({ inFlight: 1, queued: 0, refused: 0 });
    expect(clock.timers).toBe(0);
  });

  it('admits those that wait when its bound is raised, and none above it when it is lowered', async () => {
    const { bulkhead } = makeBulkhead({ maxCalls: 1 });
    await bulkhead.enter(new CallContext());
    const waiting = bulkhead.enter(new CallContext());
    bulkhead.policy = { ...bulkhead.policy, maxCalls: 2 };
    bulkhead.admitQueued();
    expect(await waiting).toBeUndefined();
    bulkhead.policy = { ...bulkhead.policy, maxCalls: 1 };
    bulkhead.leave();
    expect(bulkhead.tryEnter()).toBe(false);
  });
});
