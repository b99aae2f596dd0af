import { describe, expect, it } from '@jest/globals';
import { cutBySize } from './message-size.js';

const MIB = 2 ** 20;

describe('items of a message', () => {
  it.each<[readonly number[], readonly (readonly number[])[]]>([
    [[], [[]]],
    [[1], [[1]]],
    [[1, 2], [[1, 2]]],
    [
      [1, 2, 1, 3, 1],
      [[1, 2], [1], [3], [1]],
    ],
    [
      [9, 1, 9],
      [[9], [1], [9]],
    ],
  ])('of %j MiB are cut into %j', (sizes, parts) => {
    expect([...cutBySize(sizes, (size) => size * MIB)]).toEqual(parts);
  });
});
