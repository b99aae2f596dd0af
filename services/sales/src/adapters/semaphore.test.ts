import { expect, it } from '@jest/globals';
import { createTurns } from './semaphore.js';

/** Work that ends when it is told to. */
function held(begun: string[], name: string) {
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

it('has so many at once, in their order, and goes on where one leaves or fails', async () => {
  const turns = createTurns(2);
  const begun: string[] = [];
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => held(begun, name));
  const leaving = new AbortController();
  const first = turns(async () => {
    await a?.work();
    throw new Error('a fails');
  }, undefined);
  const second = turns(async () => b?.work(), undefined);
  const third = turns(async () => c?.work(), leaving.signal);
  const fourth = turns(async () => d?.work(), undefined);
  await Promise.resolve();
  expect(begun).toEqual(['a', 'b']);
  leaving.abort(new Error('c leaves'));
  await expect(third).rejects.toThrow('c leaves');
  a?.end();
  await expect(first).rejects.toThrow('a fails');
  d?.end();
  expect(await fourth).toBe('d');
  expect(begun).toEqual(['a', 'b', 'd']);
  b?.end();
  expect(await second).toBe('b');
  await expect(turns(async () => 'e', AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
  expect(await turns(async () => 'f', undefined)).toBe('f');
});
