import { expect, it } from '@jest/globals';
import { createSemaphore } from './semaphore.js';

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
