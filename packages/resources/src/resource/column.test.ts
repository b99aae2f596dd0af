import { expect, it } from '@jest/globals';
import { checkEach } from './column.js';

it('a list with faults in each of its items is checked up to the hundredth', () => {
  const checked: string[] = [];
  const check = checkEach((field, path) => {
    checked.push(path);
    field(path)('is wrong');
  });
  check(() => () => undefined, 'list', Array.from({ length: 1_000 }));
  expect([checked.length, checked.at(-1)]).toEqual([100, 'list[99]']);
});
