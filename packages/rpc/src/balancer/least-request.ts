import type { Random } from '../clock/index.js';
import { spreadPoints } from './low-discrepancy.js';
import { type BalancingPolicy, type Candidate, drawUntried, type PickCall, type Picker } from './picker.js';
import { Shares, weigh } from './weights.js';

/**
 * Of two that are drawn by weight, the one with fewer calls in flight for what it weighs (Mitzenmacher, "The Power of
 * Two Choices in Randomized Load Balancing", 2001).
 */
export function leastRequest(random: Random): BalancingPolicy {
  const spread = spreadPoints(random);
  return { over: (candidates) => new LeastRequestPicker(candidates, { random, nextPoint: spread }) };
}

interface Chance {
  readonly random: Random;
  /** What the first of two is drawn by. */
  readonly nextPoint: () => number;
}

class LeastRequestPicker<C extends Candidate> implements Picker<C> {
  readonly #candidates: readonly C[];
  readonly #random: Random;
  readonly #weights: Float64Array;
  readonly #shares: Shares;
  readonly #drawFirst: () => number;
  readonly #drawSecond: () => number;
  #first = 0;

  constructor(candidates: readonly C[], { random, nextPoint }: Chance) {
    const weights = weigh(candidates, 'static');
    const shares = new Shares(weights);
    this.#candidates = candidates;
    this.#random = random;
    this.#weights = weights;
    this.#shares = shares;
    this.#drawFirst = () => shares.at(nextPoint());
    this.#drawSecond = () => shares.besides(this.#first, random.next());
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
   * Whether the call goes to the second: never where it has no less to do, always where the first is behind by a call
   * and they weigh the same. Where weights differ a whole call is too coarse a measure: a light one is behind as soon as
   * it has any call at all, and would get too few at some loads and too many at others. So the call moves with a chance
   * that grows with what the first is behind, the same for both ways: as long as both stand where their weights have
   * them on average, as many calls go from the light one to the heavy one as come back.
   */
  #prefersSecond(first: number, second: number): boolean {
    const behind = this.#load(first) - this.#load(second);
    if (behind <= 0) return false;
    const one = this.#weights[first] ?? 1;
    const other = this.#weights[second] ?? 1;
    if (one === other) return true;
    const light = Math.min(one, other);
    const heavy = Math.max(one, other);
    // In calls of the lighter one; halved where weights differ much, so that the chance seldom reaches its end.
    const calls = behind * light * Math.max(light / heavy, 0.5);
    // The heavy one is drawn first, and then the light one, more often than the other way round.
    const drawnMore = one < other ? 1 : (1 - this.#shares.of(first)) / (1 - this.#shares.of(second));
    const chance = calls * drawnMore;
    return chance >= 1 || this.#random.next() < chance;
  }

  #load(place: number): number {
    return (this.#candidates[place]?.inFlight ?? 0) / (this.#weights[place] ?? 1);
  }
}
