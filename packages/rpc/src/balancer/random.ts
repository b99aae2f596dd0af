import type { Random } from '../clock/index.js';
import { type BalancingPolicy, drawn } from './picker.js';
import { Shares, weigh } from './weights.js';

/** Any of them, with the same chance. While newcomers' shares grow, each with the chance that its ramp gives it. */
export function uniform(random: Random): BalancingPolicy {
  return {
    over(candidates) {
      const shares = new Shares(weigh(candidates, 'even'));
      return drawn(candidates, () => shares.at(random.next()));
    },
  };
}
