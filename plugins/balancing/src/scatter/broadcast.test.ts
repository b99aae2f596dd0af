import { describe, expect, it } from '@jest/globals';
import { RpcError, Status } from '@rondo/rpc/status';
import { fleetsOfATest, tally, type Work } from '../../../../packages/rpc/test/support/fleet.js';
import { failure } from '../../../../packages/rpc/test/support/outcome.js';
import { broadcast } from './broadcast.js';

const THREE = ['a', 'b', 'c'];
const openFleet = fleetsOfATest();
const open = (names = THREE, work?: Readonly<Record<string, Work>>) => openFleet(names, work);

const refusing: Work = {
  answer() {
    throw new RpcError(Status.UNAVAILABLE, 'not now');
  },
};

describe('broadcast', () => {
  it('calls every instance once', async () => {
    const { unary, settled, begun } = open();
    const parts = await settled(broadcast(unary, { text: 'all' }));
    expect(parts.map(({ instance, value }) => `${instance}: ${value.text}`)).toEqual([
      'a: all by a',
      'b: all by b',
      'c: all by c',
    ]);
    expect(tally(begun.map(({ instance }) => instance))).toEqual({ a: 1, b: 1, c: 1 });
  });

  it('makes a request for each instance', async () => {
    const { unary, settled } = open();
    const parts = await settled(broadcast(unary, (instance) => ({ text: `for ${instance}` })));
    expect(parts.map(({ value }) => value.text)).toEqual(['for a by a', 'for b by b', 'for c by c']);
  });

  it('calls no other instance in place of one that fails', async () => {
    const { unary, settled, begun } = open(THREE, { b: refusing });
    const parts = await settled(broadcast(unary, {}, { require: 'none' }));
    expect(parts).toMatchObject([
      { ok: true, instance: 'a' },
      { ok: false, instance: 'b', error: { code: Status.UNAVAILABLE, message: 'not now' } },
      { ok: true, instance: 'c' },
    ]);
    expect(begun).toHaveLength(3);
  });

  it('counts an unreachable instance as failed while it is listed as serving', async () => {
    const { unary, settled, network, list } = open();
    network.node('c').kill();
    const parts = await settled(broadcast(unary, {}, { require: { quorum: 2 } }));
    expect(parts.map(({ ok, instance }) => ok && instance)).toEqual(['a', 'b', false]);
    expect(await settled(failure(broadcast(unary, {})))).toMatchObject({ code: Status.UNAVAILABLE });
    list('a', 'b');
    expect(await settled(broadcast(unary, {}))).toHaveLength(2);
  });

  it('calls at most `concurrency` instances at once', async () => {
    const { unary, settled, clock } = open();
    await settled(unary({}));
    const startedAt = clock.now();
    await settled(broadcast(unary, {}, { concurrency: 1 }));
    expect(clock.now() - startedAt).toBeGreaterThanOrEqual(30);
  });

  it('ends at its deadline with the results so far', async () => {
    const { unary, settled } = open(THREE, { b: { workMs: 60_000 } });
    const parts = await settled(broadcast(unary, {}, { require: 'none', timeoutMs: 500 }));
    expect(parts.map((part) => part.ok || part.error.codeName)).toEqual([true, 'DEADLINE_EXCEEDED', true]);
  });

  it('fails with UNAVAILABLE if no instance is known, or too few for the quorum', async () => {
    const { unary, settled, list, start } = open([]);
    const none = await settled(failure(broadcast(unary, {}, { require: 'none' })));
    expect(none).toMatchObject({ code: Status.UNAVAILABLE, message: expect.stringContaining('is registered with') });
    start('a');
    list('a');
    const few = await settled(failure(broadcast(unary, {}, { require: { quorum: 2 } })));
    expect(few.message).toBe('a quorum of 2 is out of reach: there is 1; start more instances, or require fewer');
  });
});

describe('a call to one instance', () => {
  it('goes to that instance only', async () => {
    const { unary, settled, begun } = open(THREE, { b: refusing });
    for (let index = 0; index < 6; index += 1) await settled(unary({}, { instance: 'c' }));
    expect(await settled(failure(unary({}, { instance: 'b' })))).toMatchObject({ message: 'not now' });
    expect(tally(begun.map(({ instance }) => instance))).toEqual({ b: 1, c: 6 });
  });

  it('fails at once if the instance is unknown or unreachable, and says so', async () => {
    const { unary, settled, network, clock } = open(['a', 'b']);
    await settled(unary({}));
    const unknown = await settled(failure(unary({}, { instance: 'z' })));
    expect(unknown).toMatchObject({ code: Status.UNAVAILABLE, message: expect.stringMatching(/named z is known/) });
    network.node('b').kill();
    await clock.advance(3_000);
    const lost = await settled(failure(unary({}, { instance: 'b' })));
    expect(lost).toMatchObject({ code: Status.UNAVAILABLE, message: expect.stringContaining('b at b:1') });
  });
});
