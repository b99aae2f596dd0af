import { expect, it } from '@jest/globals';
import { Lapses } from './lapses.js';
import { TTL } from './limits.js';

it('counts the lapses of a window, and who has left over them', () => {
  const lapses = new Lapses();
  for (const [index, id] of ['a', 'b', 'c', 'a'].entries()) lapses.add(id, index);
  lapses.setGone('b', true);
  lapses.setGone('unknown', true);
  expect(lapses.after(-1)).toEqual({ lapsed: 3, gone: 1 });
  expect(lapses.after(1)).toEqual({ lapsed: 2, gone: 0 });
  lapses.setGone('b', false);
  expect(lapses.after(-1)).toEqual({ lapsed: 3, gone: 0 });
  lapses.setGone('c', true);
  lapses.add('c', 4);
  expect(lapses.after(-1)).toEqual({ lapsed: 3, gone: 0 });
});

it('remembers no more than the registry has instances, and nothing for longer than the longest TTL', () => {
  const lapses = new Lapses();
  const lapse = (count: number, atMs: number, size: number) => {
    for (let index = 0; index < count; index += 1) lapses.add(`${atMs}-${index}`, atMs);
    lapses.trim(atMs, size);
  };
  lapse(3000, 1, 2000);
  expect([lapses.size, lapses.after(0).lapsed]).toEqual([2000, 2000]);
  lapse(10, 2, 0);
  expect([lapses.size, lapses.after(1).lapsed]).toEqual([1000, 10]);
  lapse(1, 2 + TTL.maxMs, 2000);
  expect(lapses.size).toBe(1);
});
