import type { Random } from '@rondo/base';
import type { PolicyName } from '../contract/balancing.js';
import { leastRequest } from './least-request.js';
import { type BalancingPolicy, drawPicker } from './picker.js';
import { roundRobin, weightedRoundRobin } from './round-robin.js';
import { effectiveWeights, WeightedIndex } from './weights.js';

/** What a policy is made from. */
export interface PolicyOptions {
  readonly random: Random;
  /** The client's `region/zone`; empty if unknown. */
  readonly zone: string;
  /** Where the weights of `weighted_round_robin` come from. */
  readonly weights: 'static' | 'load';
  /** For policies by key: the most calls in flight at an instance, in percent of the mean; undefined for no bound. */
  readonly hashBalanceFactor?: number | undefined;
}

/** Creates a balancing policy. */
export type CreatePolicy = (options: PolicyOptions) => BalancingPolicy;

/** The policies that a channel has by itself. */
export const CORE_POLICIES = {
  round_robin: ({ random }) => roundRobin(random),
  random: ({ random }) => uniform(random),
  weighted_round_robin: ({ random, weights }) => weightedRoundRobin(random, weights),
  least_request: ({ random }) => leastRequest(random),
} as const satisfies Partial<Record<PolicyName, CreatePolicy>>;

/** `random`: each candidate has the same chance. During slow start its chance is in proportion to its ramp. */
function uniform(random: Random): BalancingPolicy {
  return {
    over(candidates) {
      const distribution = new WeightedIndex(effectiveWeights(candidates, 'even'));
      return drawPicker(candidates, () => distribution.at(random.next()));
    },
  };
}
