import { describe, expect, it } from '@jest/globals';
import { createSemaphore, FairQueue } from './semaphore.js';
import { yieldToEventLoop } from './system.js';

/** Work that ends when the test says so. */
function heldWork(begun: string[], name: string) {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const work = async (): Promise<string> => {
    begun.push(name);
    await ended;
    return name;
  };
  return { work, end: () => end() };
}

it('runs work up to its permits, in order, and goes on if work fails or is aborted', async () => {
  const { run } = createSemaphore(2);
  const begun: string[] = [];
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => heldWork(begun, name));
  const aborting = new AbortController();
  const first = run(async () => {
    await a?.work();
    throw new Error('a fails');
  });
  const second = run(async () => b?.work());
  const third = run(async () => c?.work(), aborting.signal);
  const fourth = run(async () => d?.work());
  await Promise.resolve();
  expect(begun).toEqual(['a', 'b']);
  aborting.abort(new Error('c is aborted'));
  await expect(third).rejects.toThrow('c is aborted');
  a?.end();
  await expect(first).rejects.toThrow('a fails');
  d?.end();
  expect(await fourth).toBe('d');
  expect(begun).toEqual(['a', 'b', 'd']);
  b?.end();
  expect(await second).toBe('b');
  await expect(run(async () => 'e', AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
  expect(await run(async () => 'f')).toBe('f');
});

it('gives a permit at once if one is free, and takes it back once', async () => {
  const semaphore = createSemaphore(1);
  const release = semaphore.tryAcquire();
  expect(semaphore.tryAcquire()).toBeUndefined();
  release?.();
  release?.();
  const held = await semaphore.acquire();
  expect(semaphore.tryAcquire()).toBeUndefined();
  const next = semaphore.acquire();
  held();
  expect(semaphore.tryAcquire()).toBeUndefined();
  (await next)();
  expect(semaphore.tryAcquire()).toBeDefined();
});

/** A queue, and the names of what they have begun. A name's first letter is its client. */
function start(perRound = 1) {
  const queue = new FairQueue(perRound);
  const begun: string[] = [];
  const add = (name: string, deferred = false) => queue.run(name.charAt(0), () => begun.push(name), { deferred });
  return { add, begun };
}

describe('a fair queue', () => {
  it('begin at once if nothing waits', async () => {
    const { add, begun } = start();
    add('a1');
    expect(begun).toEqual(['a1']);
    await yieldToEventLoop();
    await yieldToEventLoop();
    add('a2');
    expect(begun).toEqual(['a1', 'a2']);
  });

  it('begin in rotation of their clients', async () => {
    const { add, begun } = start();
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2']) add(name);
    while (begun.length < 7) await yieldToEventLoop();
    expect(begun).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  });

  it('are taken back: their clients keep their turns', async () => {
    const { add, begun } = start();
    add('a1');
    const takenBack = [add('b1'), add('d1')];
    for (const name of ['b2', 'c1']) add(name);
    for (const takeBack of takenBack) takeBack();
    for (const name of ['e1', 'd2']) add(name);
    while (begun.length < 5) await yieldToEventLoop();
    expect(begun).toEqual(['a1', 'b2', 'c1', 'e1', 'd2']);
  });

  it('begin so many in a round, and deferred ones not in this one', async () => {
    const { add, begun } = start(2);
    add('a1', true);
    for (const name of ['a2', 'a3', 'b1']) add(name);
    expect(begun).toEqual([]);
    await yieldToEventLoop();
    await Promise.resolve();
    expect(begun).toEqual(['a1', 'b1']);
    await yieldToEventLoop();
    await Promise.resolve();
    expect(begun).toEqual(['a1', 'b1', 'a2', 'a3']);
  });
});
