import { setImmediate as nextRound } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { TooManyCalls } from './errors.js';
import { FairSemaphore, type FairSemaphoreOptions } from './fair-semaphore.js';
import { Pace } from './pace.js';

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

/** A semaphore, by default one at a time, and which calls have begun. */
function startSemaphore({ maxRunning = 1, maxWaiting = 9, ...options }: Partial<FairSemaphoreOptions> = {}) {
  const semaphore = new FairSemaphore({ maxRunning, maxWaiting, waitTimeoutMs: 3_000, ...options });
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
      return semaphore.run(work, { caller });
    },
    async endOne() {
      ends.shift()?.();
      for (let round = 0; round < 4; round += 1) await nextRound();
    },
  };
}

describe('the turns of a fair semaphore', () => {
  it('go to the caller whose latest turn was the longest ago', async () => {
    const { call, endOne, begun } = startSemaphore();
    const rare = call('rare');
    await endOne();
    const often = [1, 2, 3].map((n) => call('often', `often ${n}`));
    const again = call('rare', 'rare again');
    for (let n = 0; n < 4; n += 1) await endOne();
    await Promise.all([rare, again, ...often]);
    expect(begun).toEqual(['rare', 'often 1', 'rare again', 'often 2', 'often 3']);
  });

  it('go to new callers after those who have waited', async () => {
    const { call, endOne, begun } = startSemaphore();
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
    const { call, endOne, begun } = startSemaphore({ maxRunning: 3 });
    const calls = ['a', 'b', 'c', 'd'].map((name) => call(name));
    expect(begun).toEqual(['a', 'b', 'c']);
    for (let n = 0; n < 4; n += 1) await endOne();
    await expect(Promise.all(calls)).resolves.toHaveLength(4);
  });

  it('begin one by one, with two rounds of the event loop between them', async () => {
    const { call, endOne, begun } = startSemaphore({ maxRunning: 3, maxWaiting: 1, rounds: 3 });
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
    const { call, endOne, begun } = startSemaphore();
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

describe('the turns of a fair semaphore with a pace', () => {
  /** The event loop has been busy, and rests while the test lets time pass. */
  function startPaced() {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] });
    const loop = { idle: 0, active: 0, utilization: 0 };
    const pace = new Pace(() => ({ ...loop }));
    pace.noteOtherWork();
    loop.active = 100;
    const { call, endOne, begun } = startSemaphore({ maxRunning: 4, pace });
    const pass = async (ms: number) => {
      loop.idle += ms;
      jest.advanceTimersByTime(ms);
      await nextRound();
    };
    return { call, endOne, begun, loop, pass };
  }

  /** A semaphore whose reads take 5 ms of the event loop and end at once. */
  function startReads() {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] });
    const loop = { idle: 0, active: 0, utilization: 0 };
    const pace = new Pace(() => ({ ...loop }));
    pace.noteOtherWork();
    loop.active = 5;
    const begun: number[] = [];
    return {
      pace,
      begun,
      semaphore: new FairSemaphore({ maxRunning: 1, maxWaiting: 9, pace }),
      async run(rows: number) {
        begun.push(rows);
        loop.active += 5;
        return rows;
      },
      pass(ms: number) {
        loop.idle += ms;
        jest.advanceTimersByTime(ms);
      },
    };
  }

  it('begin one by one while others run or wait', async () => {
    const { call, endOne, begun, pass } = startPaced();
    const calls = ['a', 'b'].map((name) => call(name));
    await pass(19);
    expect(begun).toEqual(['a']);
    await pass(1);
    expect(begun).toEqual(['a', 'b']);
    for (let n = 0; n < 2; n += 1) await endOne();
    await expect(Promise.all(calls)).resolves.toEqual(['a', 'b']);
  });

  it('begin at once if no other call runs or waits', async () => {
    const { call, endOne, begun } = startPaced();
    for (let n = 1; n <= 3; n += 1) {
      const done = call('a');
      expect(begun).toHaveLength(n);
      await endOne();
      await done;
    }
  });

  it('begin after a short result at once', async () => {
    const { semaphore, begun, run, pass } = startReads();
    const isShort = (rows: number) => rows < 20;
    const reads = [1, 19, 20, 2, 3].map((rows) => semaphore.run(() => run(rows), { caller: 'a', isShort }));
    for (let round = 0; round < 9; round += 1) await nextRound();
    expect(begun).toEqual([1, 19, 20]);
    pass(20);
    await Promise.all(reads);
    expect(begun).toEqual([1, 19, 20, 2, 3]);
  });

  it('have one pace in all that have it', async () => {
    const { pace, semaphore, begun, run, pass } = startReads();
    const others = new FairSemaphore({ maxRunning: 1, maxWaiting: 9, pace });
    const reads = [semaphore.run(() => run(1), { caller: 'a' }), others.run(() => run(2), { caller: 'a' })];
    await nextRound();
    expect(begun).toEqual([1]);
    pass(20);
    await Promise.all(reads);
    expect(begun).toEqual([1, 2]);
  });

  it('no longer count those who left', async () => {
    const { pace, semaphore, begun, run } = startReads();
    const busy = new FairSemaphore({ maxRunning: 0, maxWaiting: 9, waitTimeoutMs: 5, pace });
    const late = busy.run(() => run(1), { caller: 'a' });
    jest.advanceTimersByTime(5);
    await expect(late).rejects.toThrow(TooManyCalls);
    for (const rows of [2, 3]) {
      await semaphore.run(() => run(rows), { caller: 'a' });
      await nextRound();
    }
    expect(begun).toEqual([2, 3]);
  });

  it('begin at once if the caller calls now and then', async () => {
    const { call, endOne, begun, pass } = startPaced();
    const now = jest.spyOn(performance, 'now').mockReturnValue(0);
    const first = call('rare');
    now.mockReturnValue(501);
    const others = [call('often', 'often 1'), call('often', 'often 2')];
    const again = [call('rare', 'rare again'), call('rare', 'rare once more')];
    await nextRound();
    expect(begun).toEqual(['rare', 'rare again']);
    for (let n = 0; n < 3; n += 1) await pass(20);
    expect(begun).toEqual(['rare', 'rare again', 'often 1', 'rare once more']);
    for (let n = 0; n < 5; n += 1) await endOne();
    await expect(Promise.all([first, ...again, ...others])).resolves.toHaveLength(5);
  });

  it('begin after those who have waited, also if they come when the pause ends', async () => {
    const { call, endOne, begun, loop, pass } = startPaced();
    const calls = ['a', 'b'].map((name) => call(name));
    loop.idle += 20;
    calls.push(call('c'));
    await pass(0);
    expect(begun).toEqual(['a', 'b', 'c']);
    for (let n = 0; n < 3; n += 1) await endOne();
    await expect(Promise.all(calls)).resolves.toHaveLength(3);
  });

  it('do not begin earlier because they have waited long', async () => {
    const { call, endOne, begun, pass } = startPaced();
    const now = jest.spyOn(performance, 'now').mockReturnValue(0);
    const calls = ['a', 'b', 'c'].map((name) => call(name));
    now.mockReturnValue(501);
    await pass(19);
    await endOne();
    expect(begun).toEqual(['a']);
    for (let n = 0; n < 2; n += 1) await pass(20);
    expect(begun).toEqual(['a', 'b', 'c']);
    for (let n = 0; n < 2; n += 1) await endOne();
    await expect(Promise.all(calls)).resolves.toHaveLength(3);
  });
});

describe('if no place is free', () => {
  it('the caller with the most places loses its last one', async () => {
    const { call, endOne, begun } = startSemaphore({ maxWaiting: 3 });
    const running = call('a', 'a 1');
    const [second, third, fourth] = [2, 3, 4].map((n) => call('a', `a ${n}`));
    const other = call('b');
    await expect(fourth).rejects.toThrow(new TooManyCalls('1 such calls run, and 3 wait'));
    for (let n = 0; n < 4; n += 1) await endOne();
    await Promise.all([running, second, third, other]);
    expect(begun).toEqual(['a 1', 'a 2', 'b', 'a 3']);
  });

  it('a caller with as many places is refused', async () => {
    const { call, endOne } = startSemaphore({ maxWaiting: 2 });
    const calls = [call('a'), call('a'), call('b')];
    await expect(call('a')).rejects.toThrow(TooManyCalls);
    await expect(call('c')).rejects.toThrow(TooManyCalls);
    for (let n = 0; n < 3; n += 1) await endOne();
    await expect(Promise.all(calls)).resolves.toHaveLength(3);
  });
});
