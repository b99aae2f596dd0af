import { setImmediate as nextRound } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { TooManyCalls } from './errors.js';
import { Turns } from './turns.js';

/** Turns, by default one at a time, and which calls have begun. */
function startTurns({ maxRunning = 1, maxWaiting = 9, rounds = 0 } = {}) {
  const turns = new Turns({ maxRunning, maxWaiting, waitTimeoutMs: 3_000, rounds });
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  return {
    begun,
    call(caller: string, name = caller) {
      const work = () =>
        new Promise<string>((resolve) => {
          begun.push(name);
          ends.push(() => resolve(name));
        });
      return turns.run(work, { caller });
    },
    async endOne() {
      ends.shift()?.();
      for (let round = 0; round < 4; round += 1) await nextRound();
    },
  };
}

describe('turns', () => {
  it('go to the caller whose latest turn was the longest ago', async () => {
    const { call, endOne, begun } = startTurns();
    const rare = call('rare');
    await endOne();
    const often = [1, 2, 3].map((n) => call('often', `often ${n}`));
    const again = call('rare', 'rare again');
    for (let n = 0; n < 4; n += 1) await endOne();
    await Promise.all([rare, again, ...often]);
    expect(begun).toEqual(['rare', 'often 1', 'rare again', 'often 2', 'often 3']);
  });

  it('go to new callers after those who have waited', async () => {
    const { call, endOne, begun } = startTurns();
    const calls = [
      call('a', 'a 1'),
      call('b', 'b 1'),
      call('a', 'a 2'),
      call('new 1'),
      call('new 2'),
      call('b', 'b 2'),
    ];
    for (let n = 0; n < 6; n += 1) await endOne();
    await Promise.all(calls);
    expect(begun).toEqual(['a 1', 'b 1', 'a 2', 'new 1', 'new 2', 'b 2']);
  });

  it('begin at once while there is one, without rounds between them', async () => {
    const { call, endOne, begun } = startTurns({ maxRunning: 3 });
    const calls = ['a', 'b', 'c', 'd'].map((name) => call(name));
    expect(begun).toEqual(['a', 'b', 'c']);
    for (let n = 0; n < 4; n += 1) await endOne();
    await expect(Promise.all(calls)).resolves.toHaveLength(4);
  });

  it('begin one by one, with two rounds of the event loop between them', async () => {
    const { call, endOne, begun } = startTurns({ maxRunning: 3, maxWaiting: 1, rounds: 3 });
    const calls = ['a', 'b', 'c', 'd'].map((name) => call(name));
    const counts = [begun.length];
    for (let round = 0; round < 9; round += 1) {
      await nextRound();
      counts.push(begun.length);
    }
    expect(counts).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3, 3]);
    for (let n = 0; n < 4; n += 1) await endOne();
    await expect(Promise.all(calls)).resolves.toEqual(['a', 'b', 'c', 'd']);
  });

  it('end once the result has been passed on', async () => {
    const { call, endOne, begun } = startTurns();
    const seen: string[][] = [];
    const first = call('a').then(async (name) => {
      await Promise.resolve(name);
      seen.push([...begun]);
    });
    const second = call('b');
    await endOne();
    await endOne();
    await Promise.all([first, second]);
    expect(seen).toEqual([['a']]);
    expect(begun).toEqual(['a', 'b']);
  });
});

describe('if no place is free', () => {
  it('the caller with the most places loses its last one', async () => {
    const { call, endOne, begun } = startTurns({ maxWaiting: 3 });
    const running = call('a', 'a 1');
    const [second, third, fourth] = [2, 3, 4].map((n) => call('a', `a ${n}`));
    const other = call('b');
    await expect(fourth).rejects.toThrow(new TooManyCalls('1 such calls run, and 3 wait'));
    for (let n = 0; n < 4; n += 1) await endOne();
    await Promise.all([running, second, third, other]);
    expect(begun).toEqual(['a 1', 'a 2', 'b', 'a 3']);
  });

  it('a caller with as many places is refused', async () => {
    const { call, endOne } = startTurns({ maxWaiting: 2 });
    const calls = [call('a'), call('a'), call('b')];
    await expect(call('a')).rejects.toThrow(TooManyCalls);
    await expect(call('c')).rejects.toThrow(TooManyCalls);
    for (let n = 0; n < 3; n += 1) await endOne();
    await expect(Promise.all(calls)).resolves.toHaveLength(3);
  });
});
