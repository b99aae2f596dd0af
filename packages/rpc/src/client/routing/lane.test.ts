import { expect, it } from '@jest/globals';
import { endpoints } from '../../../test/support/endpoints.js';
import { makeGroup } from '../../../test/support/group.js';
import { methodOf } from '../../../test/support/method.js';
import type { BalancingPolicy } from '../../balancer/picker.js';
import { createPolicy } from '../../balancer/create-policy.js';
import { DEFAULT_BALANCING } from '../../contract/index.js';
import { seededRandom } from '../../testing/index.js';
import { Lane } from './lane.js';

it('a lane makes the picker over those set aside once, however many calls have nobody else', () => {
  const { group, target } = makeGroup();
  group.onResolution({ endpoints: endpoints('a', 'b'), departed: [] });
  const refusal = { reason: 'no such method', proven: true, foreign: false };
  for (const name of ['a', 'b']) group.onRefusal(target(name), refusal);
  const method = methodOf('no_side_effects');
  const policy = createPolicy(DEFAULT_BALANCING, { random: seededRandom(1), zone: '' });
  const made: number[] = [];
  const counted: BalancingPolicy = {
    over(candidates, capacity) {
      made.push(candidates.length);
      return policy.over(candidates, capacity);
    },
  };
  const targets = [target('a', method), target('b', method)];
  const lane = new Lane(targets, { policy: counted, capacity: [], until: Number.POSITIVE_INFINITY });
  const ids = Array.from({ length: 4 }, () => lane.pickAside({ hashKey: undefined, tried: [] })?.id);
  expect(new Set(ids)).toEqual(new Set(['a', 'b']));
  expect(made).toEqual([0, 2]);
});
