import type { Random } from '../clock/clock.js';
import type { Balancing } from '../contract/balancing.js';
import { leastRequest } from './least-request.js';
import type { BalancingPolicy } from './picker.js';
import { uniform } from './random.js';
import { ringHash } from './ring-hash.js';
import { roundRobin, weightedRoundRobin } from './round-robin.js';
import { zoneAware } from './zone-aware.js';

/** What a policy is made from. */
export interface PolicyOptions {
  readonly random: Random;
  /** The client's `region/zone`; empty if unknown. */
  readonly zone: string;
}

/** Creates the policy that `balancing` names. */
export function createPolicy(balancing: Balancing, { random, zone }: PolicyOptions): BalancingPolicy {
  const { policy, weights, hashBalanceFactor } = balancing;
  switch (policy) {
    case 'round_robin':
      return roundRobin(random);
    case 'random':
      return uniform(random);
    case 'weighted_round_robin':
      return weightedRoundRobin(random, weights);
    case 'least_request':
      return leastRequest(random);
    case 'ring_hash':
      return ringHash(random, hashBalanceFactor);
    case 'zone_aware':
      return zoneAware({ zone, random, inner: () => weightedRoundRobin(random, weights) });
  }
}
