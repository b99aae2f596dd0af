import type { Random } from '../clock/index.js';
import type { Balancing } from '../contract/index.js';
import type { BalancingPolicy } from './picker.js';
import { inTurn } from './turns.js';

/** Each as often as it weighs, without bursts: between two calls of a light one a heavy one gets about its share. */
export function weightedRoundRobin(random: Random, weights: Balancing['weights']): BalancingPolicy {
  return inTurn(random, weights);
}
