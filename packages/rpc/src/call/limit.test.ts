import { describe, expect, it } from '@jest/globals';
import { failure } from '../../test/support/outcome.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { ManualClock } from '../testing/manual-clock.js';
import { CallLimit, type CallLimitOptions } from './limit.js';

const never = () => new Promise<never>(() => undefined);

function makeLimit({ allowedMs, parents = [] }: { allowedMs?: number; parents?: CallLimitOptions['parents'] } = {}) {
  const clock = new ManualClock();
  const deadline = allowedMs === undefined ? undefined : clock.now() + allowedMs;
  return { clock, limit: new CallLimit({ deadline, parents, clock }) };
}

describe('a call limit', () => {
  it('ends a wait at the deadline, and names the timeout', async () => {
    const { clock, limit } = makeLimit({ allowedMs: 250 });
    const raced = failure(limit.race(never()));
    await clock.advance(249);
    expect(limit.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(await raced).toMatchObject({ code: Status.DEADLINE_EXCEEDED, message: expect.stringContaining('250 ms') });
    expect(limit.signal.reason).toBe(await raced);
    expect(clock.timers).toBe(0);
  });

  it.each([0, -1])('has ended from the start if %i ms are left', async (allowedMs) => {
    const { clock, limit } = makeLimit({ allowedMs });
    expect(limit.signal.aborted).toBe(true);
    expect(await failure(limit.race(never()))).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    expect(clock.timers).toBe(0);
  });

  it('ends a wait when one of its signals aborts', async () => {
    const caller = new AbortController();
    const { clock, limit } = makeLimit({ allowedMs: 250, parents: [new AbortController().signal, caller.signal] });
    const raced = failure(limit.race(never()));
    const why = new Error('the user left');
    caller.abort(why);
    expect(await raced).toMatchObject({ code: Status.CANCELLED, cause: why });
    expect(clock.timers).toBe(0);
  });

  it('passes on the reason of an enclosing call', async () => {
    const outer = new RpcError(Status.DEADLINE_EXCEEDED, 'the outer call took too long');
    const { limit } = makeLimit({ parents: [AbortSignal.abort(outer)] });
    expect(await failure(limit.race(never()))).toBe(outer);
  });

  it('ends with an enclosing limit, for the same reason, and removes its listener', async () => {
    const outer = new CallLimit();
    const { limit } = makeLimit({ parents: [outer] });
    const { limit: released } = makeLimit({ parents: [outer] });
    released.release();
    const raced = failure(limit.race(never()));
    const reason = new RpcError(Status.CANCELLED, 'the user left');
    outer.end(reason);
    expect(await raced).toBe(reason);
    expect(released.reason).toBeUndefined();
  });

  it('runs its listeners once, however often it is ended', () => {
    const { limit } = makeLimit();
    const heard: string[] = [];
    const takenBack = () => heard.push('taken back');
    limit.onEnd(() => heard.push('ended'));
    limit.onEnd(takenBack);
    limit.offEnd(takenBack);
    limit.end(new RpcError(Status.ABORTED, 'first'));
    limit.end(new RpcError(Status.ABORTED, 'second'));
    expect(heard).toEqual(['ended']);
    expect(limit.signal.reason).toMatchObject({ message: 'first' });
  });

  it('runs a listener that is added after its end at once', () => {
    const { limit } = makeLimit({ allowedMs: 0 });
    const heard: string[] = [];
    limit.onEnd(() => heard.push('ended'));
    expect(heard).toEqual(['ended']);
  });

  it('does not affect work that is done in time', async () => {
    const caller = new AbortController();
    const { clock, limit } = makeLimit({ allowedMs: 250, parents: [caller.signal] });
    expect(await limit.race(Promise.resolve('done'))).toBe('done');
    limit.release();
    caller.abort();
    await clock.advance(1_000);
    expect(limit.signal.aborted).toBe(false);
    expect(clock.timers).toBe(0);
  });

  it('ends early on request', async () => {
    const { limit } = makeLimit();
    const raced = failure(limit.race(never()));
    const reason = new RpcError(Status.ABORTED, 'now');
    limit.end(reason);
    expect(await raced).toBe(reason);
  });
});
