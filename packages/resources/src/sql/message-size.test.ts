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

  it('are made as far as a part needs them', () => {
    let made = 0;
    const items = function* () {
      for (; made < 100; made += 1) yield made;
    };
    expect(cutBySize(items(), () => MIB).next().value).toEqual([0, 1, 2]);
    expect(made).toBe(3);
  });
});
