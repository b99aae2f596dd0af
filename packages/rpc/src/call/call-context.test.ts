import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { failure } from '../../test/support/outcome.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { CallContext, type CallContextOptions } from './call-context.js';

const never = () => new Promise<never>(() => undefined);

function makeContext({
  allowedMs,
  parents = [],
}: {
  allowedMs?: number;
  parents?: CallContextOptions['parents'];
} = {}) {
  const clock = new ManualClock();
  const deadline = allowedMs === undefined ? undefined : clock.now() + allowedMs;
  return { clock, context: new CallContext({ deadline, parents, clock }) };
}

describe('a call context', () => {
  it('ends a wait at the deadline, and names the timeout', async () => {
    const { clock, context } = makeContext({ allowedMs: 250 });
    const raced = failure(context.race(never()));
    await clock.advance(249);
    expect(context.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(await raced).toMatchObject({ code: Status.DEADLINE_EXCEEDED, message: expect.stringContaining('250 ms') });
    expect(context.signal.reason).toBe(await raced);
    expect(clock.timers).toBe(0);
  });

  it.each([0, -1])('has ended from the start if %i ms are left', async (allowedMs) => {
    const { clock, context } = makeContext({ allowedMs });
    expect(context.signal.aborted).toBe(true);
    expect(await failure(context.race(never()))).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    expect(clock.timers).toBe(0);
  });

  it('ends a wait when one of its signals aborts', async () => {
    const caller = new AbortController();
    const { clock, context } = makeContext({ allowedMs: 250, parents: [new AbortController().signal, caller.signal] });
    const raced = failure(context.race(never()));
    const why = new Error('the user left');
    caller.abort(why);
    expect(await raced).toMatchObject({ code: Status.CANCELLED, cause: why });
    expect(clock.timers).toBe(0);
  });

  it('passes on the reason of an enclosing call', async () => {
    const outer = new RpcError(Status.DEADLINE_EXCEEDED, 'the outer call took too long');
    const { context } = makeContext({ parents: [AbortSignal.abort(outer)] });
    expect(await failure(context.race(never()))).toBe(outer);
  });

  it('ends with an enclosing context, for the same reason, and removes its listener', async () => {
    const outer = new CallContext();
    const { context } = makeContext({ parents: [outer] });
    const { context: released } = makeContext({ parents: [outer] });
    released.release();
    const raced = failure(context.race(never()));
    const reason = new RpcError(Status.CANCELLED, 'the user left');
    outer.end(reason);
    expect(await raced).toBe(reason);
    expect(released.reason).toBeUndefined();
  });

  it('runs its listeners once, however often it is ended', () => {
    const { context } = makeContext();
    const heard: string[] = [];
    const takenBack = () => heard.push('taken back');
    context.onEnd(() => heard.push('ended'));
    context.onEnd(takenBack);
    context.offEnd(takenBack);
    context.end(new RpcError(Status.ABORTED, 'first'));
    context.end(new RpcError(Status.ABORTED, 'second'));
    expect(heard).toEqual(['ended']);
    expect(context.signal.reason).toMatchObject({ message: 'first' });
  });

  it('runs a listener that is added after its end at once', () => {
    const { context } = makeContext({ allowedMs: 0 });
    const heard: string[] = [];
    context.onEnd(() => heard.push('ended'));
    expect(heard).toEqual(['ended']);
  });

  it('does not affect work that is done in time', async () => {
    const caller = new AbortController();
    const { clock, context } = makeContext({ allowedMs: 250, parents: [caller.signal] });
    expect(await context.race(Promise.resolve('done'))).toBe('done');
    context.release();
    caller.abort();
    await clock.advance(1_000);
    expect(context.signal.aborted).toBe(false);
    expect(clock.timers).toBe(0);
  });
});
