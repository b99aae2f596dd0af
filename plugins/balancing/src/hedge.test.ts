import { describe, expect, it } from '@jest/globals';
import { CallContext } from '@rondo/rpc/call';
import type { Method, Reply } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import { emptyReply } from '../../../packages/rpc/test/support/fake-transport.js';
import { failure } from '../../../packages/rpc/test/support/outcome.js';
import { DEFAULT_RETRY, makeCalls, RetryBudget } from '../../../packages/rpc/test/support/retried-calls.js';
import type { Hedge } from './channel-types.js';
import { HedgeDelay, hedgeBy } from './hedge.js';

const DELAY_MS = 100;

/** Instances that answer when the test says so. */
function makeHedged({
  hedge = { delayMs: DELAY_MS },
  ...options
}: Partial<Method['policy']> & { budget?: RetryBudget; instances?: string[] } = {}) {
  const { budget, instances, ...policy } = options;
  const calls = makeCalls({ policy: { ...policy, hedge }, ...(budget && { budget }), ...(instances && { instances }) });
  const by = hedgeBy(hedge, calls.clock);
  const call: typeof calls.call = (idempotency, wire = {}, given = {}) =>
    calls.call(idempotency, wire, { hedge: by, ...given });
  const received: { readonly wire: Parameters<Hedge>[1]; answer(): void; fail(error: RpcError): void }[] = [];
  calls.answerWith(
    (wire) =>
      new Promise<Reply<Uint8Array>>((resolve, reject) => {
        wire.context.onEnd(() => reject(wire.context.reason));
        received.push({ wire, answer: () => resolve(emptyReply), fail: reject });
      }),
  );
  const at = (index: number) => {
    const attempt = received[index];
    if (attempt === undefined) throw new Error(`attempt ${index} was not made`);
    return attempt;
  };
  return { ...calls, call, received, attempt: at };
}

describe('a hedged call', () => {
  it('asks one instance if it answers in time', async () => {
    const { call, clock, asked, attempt } = makeHedged();
    const made = call('idempotent');
    await clock.advance(DELAY_MS - 1);
    attempt(0).answer();
    await made;
    await clock.advance(DELAY_MS);
    expect(asked).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });

  it('asks another one after the delay, takes its answer and cancels the first', async () => {
    const { call, clock, asked, attempt, attempts } = makeHedged();
    const made = call('idempotent');
    await clock.advance(DELAY_MS);
    expect(new Set(asked).size).toBe(2);
    expect(attempt(1).wire.previousAttempts).toBe(1);
    attempt(1).answer();
    await made;
    expect(attempt(0).wire.context.reason).toMatchObject({ code: Status.CANCELLED });
    expect(attempt(1).wire.context.reason).toBeUndefined();
    expect(attempts.map(({ code }) => code)).toEqual(['CANCELLED', 'OK']);
  });

  it('takes the answer of the first if that comes before the second', async () => {
    const { call, clock, attempt } = makeHedged();
    const made = call('idempotent');
    await clock.advance(DELAY_MS);
    attempt(0).answer();
    await made;
    expect(attempt(1).wire.context.reason).toMatchObject({ message: 'another instance answered first' });
  });

  it('fails with an answer that is not retried, and cancels the other', async () => {
    const { call, clock, attempt } = makeHedged();
    const failed = failure(call('idempotent'));
    await clock.advance(DELAY_MS);
    attempt(1).fail(new RpcError(Status.NOT_FOUND, 'no such project', { origin: 'server' }));
    expect(await failed).toMatchObject({ message: 'no such project' });
    expect(attempt(0).wire.context.reason).toMatchObject({ code: Status.CANCELLED });
  });

  it('waits for the other if one has failed and no attempt is left', async () => {
    const { call, clock, attempt, asked } = makeHedged({ instances: ['a', 'b'] });
    const made = call('idempotent');
    await clock.advance(DELAY_MS);
    attempt(1).fail(new RpcError(Status.UNAVAILABLE, 'away'));
    await clock.advance(DELAY_MS);
    attempt(0).answer();
    await made;
    expect(asked).toHaveLength(2);
  });

  it.each([
    ['whatever statuses its method retries', { retry: { ...DEFAULT_RETRY, codes: new Set([Status.ABORTED]) } }],
    ['also if it waits for instances', { waitForReady: true }],
  ])('waits for the first if no other can be reached, %s', async (_name, policy) => {
    const { call, clock, asked, at, attempt } = makeHedged({ ...policy, instances: ['a', 'b'] });
    const made = call('idempotent');
    await clock.advance(0);
    const other = asked[0] === 'a' ? 'b' : 'a';
    at(`${other}:1`).move('transient_failure', 'refused');
    await clock.advance(DELAY_MS);
    attempt(0).answer();
    await made;
    expect(asked).toHaveLength(1);
  });

  it('fails if all have failed', async () => {
    const { call, clock, attempt } = makeHedged({ instances: ['a', 'b'] });
    const failed = failure(call('idempotent'));
    await clock.advance(DELAY_MS);
    attempt(0).fail(new RpcError(Status.UNAVAILABLE, 'first'));
    attempt(1).fail(new RpcError(Status.UNAVAILABLE, 'second'));
    expect(await failed).toMatchObject({ code: Status.UNAVAILABLE });
    expect(clock.timers).toBe(0);
  });

  it.each([
    ['the budget is spent', { budget: new RetryBudget({ ratio: 0, reserve: 0 }) }, {}],
    ['there is one instance', { instances: ['a'] }, {}],
    ['its caller allows one attempt', {}, { maxAttempts: 1 }],
  ])('asks no second instance if %s', async (_name, options, given) => {
    const { call, clock, asked, attempt } = makeHedged(options);
    const made = call('idempotent', {}, given);
    await clock.advance(DELAY_MS);
    attempt(0).answer();
    await made;
    expect(asked).toHaveLength(1);
  });

  it('takes nothing from the budget if there is one instance', async () => {
    const budget = new RetryBudget({ ratio: 0, reserve: 1 });
    const { call, clock, attempt } = makeHedged({ budget, instances: ['a'] });
    const made = call('idempotent');
    await clock.advance(DELAY_MS);
    attempt(0).answer();
    await made;
    expect(budget.withdraw()).toBe(true);
  });

  it('ends both when its caller leaves', async () => {
    const { call, clock, attempt } = makeHedged();
    const context = new CallContext();
    const failed = failure(call('idempotent', { context }));
    await clock.advance(DELAY_MS);
    context.end(new RpcError(Status.CANCELLED, 'left'));
    expect(await failed).toMatchObject({ message: 'left' });
    for (const index of [0, 1]) expect(attempt(index).wire.context.reason).toMatchObject({ message: 'left' });
    expect(clock.timers).toBe(0);
  });

  it('speaks against an instance that leaves hedges unanswered: it is ejected', async () => {
    const { call, clock, asked, received, pool, answerWith } = makeHedged();
    answerWith(async (wire, name) => {
      if (name !== 'a') return emptyReply;
      return new Promise((_resolve, reject) => wire.context.onEnd(() => reject(wire.context.reason)));
    });
    for (let index = 0; index < 200; index += 1) {
      const made = call('idempotent');
      await clock.advance(DELAY_MS);
      await made;
    }
    expect(received).toHaveLength(0);
    expect(pool.instances.find('a')?.candidate('/s.S/M').ejected).toBe(true);
    expect(asked.slice(-50).filter((name) => name === 'a').length).toBeLessThan(5);
  });
});

describe('the delay without one in the contract', () => {
  it('is what 95 % of the latest calls took', () => {
    const delay = new HedgeDelay();
    for (let index = 0; index < 63; index += 1) delay.note(10);
    expect(delay.ms).toBeUndefined();
    for (let index = 0; index < 1_024; index += 1) delay.note(index % 100);
    expect(delay.ms).toBeGreaterThanOrEqual(94);
    expect(delay.ms).toBeLessThanOrEqual(96);
    for (let index = 0; index < 544; index += 1) delay.note(0.01);
    expect(delay.ms).toBe(1);
  });

  it('is a whole number of milliseconds and no shorter, as a timer cuts off the rest', () => {
    const delay = new HedgeDelay();
    for (let index = 0; index < 64; index += 1) delay.note(5.4);
    expect(delay.ms).toBe(6);
  });

  it('is not there before enough calls were made, and no call is hedged', async () => {
    const { call, clock, asked, attempt } = makeHedged({ hedge: { delayMs: undefined } });
    const made = call('idempotent');
    await clock.advance(9_000);
    attempt(0).answer();
    await made;
    expect(asked).toHaveLength(1);
  });
});
