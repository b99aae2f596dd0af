import type { Balancing } from '../contract/index.js';
import type { Candidate } from './picker.js';
import { Shares } from './shares.js';
import { weigh } from './weights.js';

/**
 * The share of the next calls, 0 to 1, that its weight gives to each of `candidates`, in their order. What a call itself
 * decides by, its key or the calls in flight, isn't in it. Undefined where weights alone say nothing.
 */
export function nominalShares(
  candidates: readonly Candidate[],
  { policy, weights }: Pick<Balancing, 'policy' | 'weights'>,
): readonly number[] | undefined {
  if (policy === 'zone_aware') return undefined;
  const even = policy === 'round_robin' || policy === 'random';
  const shares = new Shares(weigh(candidates, even ? 'even' : weights));
  return candidates.map((_, index) => shares.of(index));
}
