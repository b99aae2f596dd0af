import { expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/rpc/testing';
import { createBreaker } from '../src/breaker.js';

it('begins no work after three failures in a row, until a probe succeeds', async () => {
  const clock = new ManualClock();
  const changes: boolean[] = [];
  let begun = 0;
  let answers = true;
  const work = async () => {
    begun += 1;
    return answers ? 'done' : new Promise<string>(() => undefined);
  };
  const breaker = createBreaker({
    clock,
    timeoutMs: 50,
    retryMs: 500,
    probe: async () => (answers ? undefined : Promise.reject(new Error('away'))),
    onChange: (open) => changes.push(open),
    onProbeFailed: () => undefined,
  });
  const slow = async () => {
    const result = breaker.run(work);
    await clock.advance(50);
    return result;
  };
  expect(await breaker.run(work)).toBe('done');
  answers = false;
  for (let time = 0; time < 2; time += 1) expect(await slow()).toBeUndefined();
  answers = true;
  expect(await breaker.run(work)).toBe('done');
  answers = false;
  for (let time = 0; time < 3; time += 1) expect(await slow()).toBeUndefined();
  expect([changes, begun]).toEqual([[true], 7]);
  // It waits for nothing while it is open.
  expect(await breaker.run(work)).toBeUndefined();
  await clock.advance(600);
  expect(await breaker.run(work)).toBeUndefined();
  expect([changes, begun]).toEqual([[true], 7]);
  answers = true;
  await clock.advance(500);
  expect(await breaker.run(work)).toBe('done');
  expect(changes).toEqual([true, false]);
  breaker.close();
  expect(await breaker.run(work)).toBeUndefined();
  expect(clock.timers).toBe(0);
});
