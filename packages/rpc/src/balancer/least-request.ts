import type { Random } from '@rondo/base';
import { stratifiedPoints } from './low-discrepancy.js';
import { type BalancingPolicy, type Candidate, drawUntried, type PickCall, type Picker } from './picker.js';
import { effectiveWeights, WeightedIndex } from './weights.js';

/**
 * `least_request`: unbiased power of two choices. Two candidates are drawn by weight; the call goes to the one with fewer
 * calls in flight for its weight (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
 */
export function leastRequest(random: Random): BalancingPolicy {
  const nextPoint = stratifiedPoints(random);
  return { over: (candidates) => new LeastRequestPicker(candidates, { random, nextPoint }) };
}

interface LeastRequestOptions {
  readonly random: Random;
  /** Gives the point in [0, 1) that the first choice is drawn by. */
  readonly nextPoint: () => number;
}

class LeastRequestPicker<C extends Candidate> implements Picker<C> {
  readonly #candidates: readonly C[];
  readonly #random: Random;
  readonly #weights: Float64Array;
  readonly #distribution: WeightedIndex;
  readonly #drawFirst: () => number;
  readonly #drawSecond: () => number;
  #first = 0;

  constructor(candidates: readonly C[], { random, nextPoint }: LeastRequestOptions) {
    const weights = effectiveWeights(candidates, 'static');
    const distribution = new WeightedIndex(weights);
    this.#candidates = candidates;
    this.#random = random;
    this.#weights = weights;
    this.#distribution = distribution;
    this.#drawFirst = () => distribution.at(nextPoint());
    this.#drawSecond = () => distribution.atExcluding(this.#first, random.next());
  }

  pick({ tried }: PickCall<C>): C | undefined {
    const first = drawUntried(this.#candidates, tried, this.#drawFirst);
    if (first === undefined) return undefined;
    if (this.#candidates.length === 1) return this.#candidates[first];
    this.#first = first;
    const second = drawUntried(this.#candidates, tried, this.#drawSecond) ?? first;
    return this.#candidates[this.#prefersSecond(first, second) ? second : first];
  }

  /**
   * Whether the call goes to the second candidate: never if the second has at least the load of the first, and always if it has
   * less load and their weights are equal.
   *
   * If the weights differ, a comparison of whole calls is too coarse: one call loads a light candidate so much that it would get
   * too few calls at some loads and too many at others. Instead, the call moves to the second candidate with a probability that
   * grows with the difference of the loads. The probability is balanced: while the loads are in proportion to the weights, as many
   * calls move from the light candidate to the heavy one as the other way.
   */
  #prefersSecond(first: number, second: number): boolean {
    const difference = this.#load(first) - this.#load(second);
    if (difference <= 0) return false;
    const firstWeight = this.#weights[first] ?? 1;
    const secondWeight = this.#weights[second] ?? 1;
    if (firstWeight === secondWeight) return true;
    const light = Math.min(firstWeight, secondWeight);
    const heavy = Math.max(firstWeight, secondWeight);
    // In calls of the light candidate, times light / heavy but at least a half, so that the chance rarely exceeds 1.
    const calls = difference * light * Math.max(light / heavy, 0.5);
    // Drawing the heavy candidate first and the light one second is more likely than the reverse.
    const correction =
      firstWeight < secondWeight ? 1 : (1 - this.#distribution.share(first)) / (1 - this.#distribution.share(second));
    const chance = calls * correction;
    return chance >= 1 || this.#random.next() < chance;
  }

  /** The calls in flight at a candidate, divided by its weight. */
  #load(index: number): number {
    return (this.#candidates[index]?.inFlight ?? 0) / (this.#weights[index] ?? 1);
  }
}
