import { describe, expect, it } from '@jest/globals';
import { RpcError, Status } from '@rondo/rpc/status';
import { fleetsOfATest, requestsFor, tally, type Work } from '../../../../packages/rpc/test/support/fleet.js';
import { failure } from '../../../../packages/rpc/test/support/outcome.js';
import { collect } from '../../../../packages/rpc/test/support/stream.js';
import { scatterStream } from './stream.js';

const THREE = ['a', 'b', 'c'];
const openFleet = fleetsOfATest();
const open = (names = THREE, work?: Readonly<Record<string, Work>>) => openFleet(names, work);

describe('scatterStream', () => {
  it('yields the parts in order, though a slow instance works on some of them', async () => {
    const { unary, settled } = open(THREE, { b: { workMs: 120 } });
    const parts = await settled(collect(scatterStream(unary, requestsFor(60))));
    expect(parts.map(({ value }) => value.text)).toEqual(parts.map(({ instance }, at) => `part ${at} by ${instance}`));
    expect(parts).toHaveLength(60);
    expect(Object.keys(tally(parts.map(({ instance }) => instance))).sort()).toEqual(THREE);
  });

  it('works and reads requests at most `ahead` parts ahead of its reader', async () => {
    const { unary, settled, begun, clock } = open();
    let read = 0;
    function* requests() {
      for (const request of requestsFor(100)) {
        read += 1;
        yield request;
      }
    }
    const parts = scatterStream(unary, requests(), { readAhead: 4 });
    await settled(parts.next());
    await clock.advance(10_000);
    expect({ begun: begun.length, read }).toEqual({ begun: 6, read: 6 });
    await settled(parts.next());
    await clock.advance(10_000);
    expect({ begun: begun.length, read }).toEqual({ begun: 7, read: 7 });
    expect(await settled(collect(parts))).toHaveLength(98);
  });

  it('stops the work when its reader stops', async () => {
    const { unary, settled, begun, clock } = open(THREE, { b: { workMs: 1_000 }, c: { workMs: 1_000 } });
    let closed = false;
    function* requests() {
      try {
        yield* requestsFor(100);
      } finally {
        closed = true;
      }
    }
    const timers = clock.timers;
    const parts = scatterStream(unary, requests());
    await settled(parts.next().then(() => parts.return()));
    const count = begun.length;
    await clock.advance(1_000);
    expect(begun).toHaveLength(count);
    expect(begun.filter(({ call }) => call.signal.aborted).length).toBeGreaterThanOrEqual(2);
    expect(closed).toBe(true);
    expect(clock.timers).toBe(timers);
  });

  it('fails as soon as a part has failed, unless none is required', async () => {
    const answer = ({ text }: { text: string }) => {
      if (text === 'part 2') throw new RpcError(Status.NOT_FOUND, 'nothing there');
    };
    const { unary, settled } = open(['a', 'b'], { a: { answer }, b: { answer } });
    const error = await settled(failure(collect(scatterStream(unary, requestsFor(30)))));
    expect(error).toMatchObject({ code: Status.NOT_FOUND });
    const parts = await settled(collect(scatterStream(unary, requestsFor(30), { require: 'none' })));
    expect(parts.map(({ ok }, at) => (ok ? -1 : at)).filter((at) => at >= 0)).toEqual([2]);
  });

  it('continues while every instance but one dies', async () => {
    const { unary, settled, network, clock } = open();
    const outcome = collect(scatterStream(unary, requestsFor(90)));
    await clock.advance(25);
    network.node('a').kill();
    await clock.advance(25);
    network.node('c').freeze();
    const parts = await settled(outcome);
    expect(parts.map(({ value }) => value.text)).toEqual(parts.map(({ instance }, at) => `part ${at} by ${instance}`));
    expect(parts).toHaveLength(90);
  });

  it('fails with the error of its requests', async () => {
    const { unary, settled } = open();
    function* requests() {
      yield* requestsFor(3);
      throw new Error('out of paper');
    }
    const outcome = collect(scatterStream(unary, requests())).catch((error) => error);
    expect(await settled(outcome)).toMatchObject({ message: 'out of paper' });
  });

  it('fails with UNAVAILABLE if no instance is known, and yields nothing for no requests', async () => {
    const { unary, settled } = open([]);
    expect(await settled(failure(collect(scatterStream(unary, requestsFor(3)))))).toMatchObject({
      code: Status.UNAVAILABLE,
    });
    expect(await settled(collect(scatterStream(unary, [])))).toEqual([]);
  });

  it('ends at its deadline', async () => {
    const { unary, settled } = open();
    const error = await settled(failure(collect(scatterStream(unary, requestsFor(900), { timeoutMs: 100 }))));
    expect(error.code).toBe(Status.DEADLINE_EXCEEDED);
  });
});
