import type { Random } from '../clock/index.js';
import type { BalancingPolicy } from './picker.js';
import { inTurn } from './turns.js';

/** Each in turn. While newcomers' shares grow, each as often as its ramp says. */
export function roundRobin(random: Random): BalancingPolicy {
  return inTurn(random, 'even');
}
