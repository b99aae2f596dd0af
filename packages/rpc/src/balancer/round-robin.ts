import type { Random } from '@rondo/base';
import { goldenRatioSequence } from './low-discrepancy.js';
import { type BalancingPolicy, drawPicker, nextUntried } from './picker.js';
import { effectiveWeights, WeightedIndex, type WeightSource } from './weights.js';

/** `round_robin`: the candidates in order, one call each. During slow start a candidate gets calls in proportion to its ramp. */
export function roundRobin(random: Random): BalancingPolicy {
  return roundRobinBy(random, 'even');
}

/**
 * `weighted_round_robin`: calls in proportion to weight, without bursts. Between two calls of a light candidate, a heavy
 * one gets about its share.
 */
export function weightedRoundRobin(random: Random, weights: WeightSource): BalancingPolicy {
  return roundRobinBy(random, weights);
}

/** The counter's largest value. Up to here V8 keeps numbers as small integers, without an allocation. */
const MAX_COUNT = 2 ** 30 - 1;

/**
 * Golden-ratio weighted round robin; plain round robin if all weights are equal. The counter and the sequence belong to
 * the policy, so a new picker goes on where the last one stopped. Both start at random, so that clients that start
 * together don't all begin with the same instance.
 */
function roundRobinBy(random: Random, source: WeightSource): BalancingPolicy {
  let count = Math.floor(random.next() * MAX_COUNT);
  const nextPoint = goldenRatioSequence(random);
  return {
    over(candidates) {
      const distribution = new WeightedIndex(effectiveWeights(candidates, source));
      if (!distribution.even) return drawPicker(candidates, () => distribution.at(nextPoint()));
      return {
        pick({ tried }) {
          count = (count + 1) & MAX_COUNT;
          if (tried.length === 0) return candidates[count % candidates.length];
          const index = nextUntried(candidates, tried, count);
          return index === undefined ? undefined : candidates[index];
        },
      };
    },
  };
}
