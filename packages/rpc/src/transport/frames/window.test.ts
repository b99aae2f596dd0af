import { expect, it } from '@jest/globals';
import { type Advance, Advances, Window } from './window.js';

it('a window gives back half of itself at a time, and refuses what is beyond', () => {
  const given: number[] = [];
  const window = new Window(100, (bytes) => given.push(bytes));
  window.take(80);
  window.give(49);
  expect(given).toEqual([]);
  window.give(1);
  expect(given).toEqual([50]);
  window.take(70);
  expect(() => window.take(1)).toThrow('1 bytes of messages are beyond the credit');
});

it('messages that are longer than their windows get room for all of their bytes, in the order in which they ask', () => {
  const granted: string[] = [];
  const advances = new Advances();
  const ask = (name: string, mib: number): Advance => {
    const advance = { bytes: mib * 1_024 * 1_024, grant: () => granted.push(name) };
    advances.ask(advance);
    return advance;
  };
  const first = ask('first', 10);
  const tooMuch = ask('too much', 7);
  const small = ask('small', 1);
  expect(granted).toEqual(['first']);
  advances.release(tooMuch);
  expect(granted).toEqual(['first', 'small']);
  advances.release(first);
  advances.release(small);
  ask('longer than all room', 20);
  expect(granted.at(-1)).toBe('longer than all room');
});
