import { expect, it } from '@jest/globals';
import { createRateLimit } from './rate-limit.js';

function limitAt(perSecond: number, burst: number) {
  const clock = { time: 1_000_000, now: () => clock.time };
  return { clock, limit: createRateLimit({ perSecond, burst }, clock) };
}

it('admits a burst, and then as many requests as the rate has', () => {
  const { clock, limit } = limitAt(10, 3);
  const burst = [1, 2, 3, 4].map(() => limit.take('a').admitted);
  expect(burst).toEqual([true, true, true, false]);
  clock.time += 99;
  expect(limit.take('a').admitted).toBe(false);
  clock.time += 1;
  expect(limit.take('a').admitted).toBe(true);
  expect(limit.take('a').admitted).toBe(false);
  clock.time += 60_000;
  expect([1, 2, 3, 4].map(() => limit.take('a').admitted)).toEqual([true, true, true, false]);
});

it('tells what is left and when there is more', () => {
  const { limit } = limitAt(2, 4);
  const policy = '"client";q=4;w=2';
  expect(limit.peek('a')).toEqual({ policy, admitted: true, remaining: 4, resetSeconds: 1 });
  expect(limit.take('a')).toEqual({ policy, admitted: true, remaining: 3, resetSeconds: 1 });
  for (const _ of [1, 2, 3]) limit.take('a');
  expect(limit.take('a')).toEqual({ policy, admitted: false, remaining: 0, resetSeconds: 1 });
  expect(limit.peek('a')).toEqual({ policy, admitted: false, remaining: 0, resetSeconds: 1 });
  const slow = limitAt(1, 100).limit;
  for (const _ of Array.from({ length: 50 })) slow.take('a');
  expect(slow.take('a').resetSeconds).toBe(51);
});

it('forgets the client that was silent the longest, not the busy one', () => {
  const limit = createRateLimit({ perSecond: 1, burst: 2 }, { now: () => 0 }, 3);
  limit.take('busy');
  limit.take('busy');
  for (const client of ['a', 'b']) limit.take(client);
  expect(limit.take('busy').admitted).toBe(false);
  for (const client of ['c', 'd']) limit.take(client);
  expect(limit.take('busy').admitted).toBe(false);
  expect(limit.take('a').remaining).toBe(1);
  expect(limit.take('d').remaining).toBe(0);
});
