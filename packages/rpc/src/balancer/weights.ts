import type { Balancing } from '../contract/index.js';
import type { Candidate } from './picker.js';

/** What a policy weighs candidates by, beside their ramps: nothing, what they registered with, or what they report. */
export type Weighing = 'even' | 'static' | 'load';

/** Against the heaviest, so that nobody is left out altogether, whatever was told of its weight. */
const LEAST_SHARE = 1e-6;
/** What tells of more is taken for this: sums of it are exact enough. */
const MOST_WEIGHT = 1e12;
/** A newcomer's least part of its share: whoever gets no call at all never shows that it can take one. */
const LEAST_RAMP = 0.01;

/** How many calls each is to get against the others, above 0 and at most 1: what it weighs × its ramp. */
export function weigh(candidates: readonly Candidate[], weighing: Weighing): Float64Array {
  const weights = baseWeights(candidates, weighing);
  const heaviest = weights.reduce((most, weight) => Math.max(most, weight), 0);
  candidates.forEach((candidate, index) => {
    const share = ((weights[index] ?? 1) / heaviest) * rampOf(candidate);
    weights[index] = Math.max(share, LEAST_SHARE);
  });
  return weights;
}

/** What each weighs, without its ramp. Where none has reported anything yet, what they registered with. */
export function baseWeights(candidates: readonly Candidate[], weighing: Weighing): Float64Array {
  if (weighing === 'even') return new Float64Array(candidates.length).fill(1);
  const reported = weighing === 'load' && candidates.some(({ loadWeight }) => isWeight(loadWeight));
  return fillGaps(candidates.map((candidate) => (reported ? candidate.loadWeight : candidate.weight)));
}

/** A candidate's ramp, kept within what a ramp can be. */
export function rampOf({ ramp }: Candidate): number {
  return Number.isNaN(ramp) ? 1 : Math.min(Math.max(ramp, LEAST_RAMP), 1);
}

/** Who hasn't told has the mean of those who have: it is neither starved nor favoured. */
function fillGaps(told: readonly (number | undefined)[]): Float64Array {
  const known = told.filter(isWeight).map((weight) => Math.min(weight, MOST_WEIGHT));
  const mean = known.length === 0 ? 1 : known.reduce((sum, weight) => sum + weight, 0) / known.length;
  return Float64Array.from(told, (weight) => (isWeight(weight) ? Math.min(weight, MOST_WEIGHT) : mean));
}

function isWeight(weight: number | undefined): weight is number {
  return weight !== undefined && weight > 0 && weight < Number.POSITIVE_INFINITY;
}

/**
 * The line from 0 to 1, cut into a piece for each of a list's members, as long as its share. Finding whose piece holds
 * a point costs the same however many there are: a table says where in the list to begin (the "guide table" of Chen
 * and Asau, 1974), and from there it is one step on average.
 */
export class Shares {
  /** Whether all pieces are equal. */
  readonly even: boolean;
  readonly #size: number;
  /** Where each one's piece ends; empty where they are equal. */
  readonly #ends: Float64Array;
  /** For each of as many equal parts of the line, the first whose piece reaches into it. */
  readonly #guide: Uint32Array;

  /** @param weights are above 0; none of them is NaN or infinite. */
  constructor(weights: Float64Array) {
    this.#size = weights.length;
    this.even = weights.every((weight) => weight === weights[0]);
    this.#ends = this.even ? new Float64Array() : endsOf(weights);
    this.#guide = guideOf(this.#ends);
  }

  /** The share of the one at `index`. */
  of(index: number): number {
    return this.even ? 1 / this.#size : (this.#ends[index] ?? 1) - this.#startOf(index);
  }

  /** Whose piece holds `point`, which is at least 0 and below 1. */
  at(point: number): number {
    const cell = Math.floor(point * this.#size);
    if (this.even) return cell;
    const last = this.#size - 1;
    let index = this.#guide[cell] ?? last;
    while (index < last && (this.#ends[index] ?? 1) <= point) index += 1;
    return index;
  }

  /** The same where the piece of the one at `index` is taken out. There are others. */
  besides(index: number, point: number): number {
    if (this.even) {
      const other = Math.floor(point * (this.#size - 1));
      return other < index ? other : other + 1;
    }
    const share = this.of(index);
    const left = point * (1 - share);
    const found = this.at(left < this.#startOf(index) ? left : left + share);
    // The sum may miss the end of the piece by its last digit.
    return found === index ? (index + 1) % this.#size : found;
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0);
  }
}

function endsOf(weights: Float64Array): Float64Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let end = 0;
  return weights.map((weight) => {
    end += weight / total;
    return end;
  });
}

function guideOf(ends: Float64Array): Uint32Array {
  let index = 0;
  return Uint32Array.from(ends, (_, cell) => {
    while (index < ends.length - 1 && (ends[index] ?? 1) <= cell / ends.length) index += 1;
    return index;
  });
}

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
