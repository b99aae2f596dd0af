import type { Random } from '@rondo/base';
import { type BalancingPolicy, drawPicker } from './picker.js';
import { effectiveWeights, WeightedIndex } from './weights.js';

/** `random`: each candidate has the same chance. During slow start its chance is in proportion to its ramp. */
export function uniform(random: Random): BalancingPolicy {
  return {
    over(candidates) {
      const distribution = new WeightedIndex(effectiveWeights(candidates, 'even'));
      return drawPicker(candidates, () => distribution.at(random.next()));
    },
  };
}
