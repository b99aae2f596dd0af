import type { Candidate } from './picker.js';

/** Where weights come from: all the same, what the instances registered with, or the load that they report. */
export type WeightSource = 'even' | 'static' | 'load';

/** The least effective weight, compared with the heaviest candidate's, so that each candidate gets some calls. */
const MIN_SHARE = 1e-6;
/** Larger weights are cut to this, so that their sum stays exact enough. */
const MAX_WEIGHT = 1e12;
/** The least ramp. A new instance that gets no call at all would never show that it can take one. */
const MIN_RAMP = 0.01;

/** The effective weight of each candidate: weight × ramp, compared with the heaviest candidate's. Above 0 and at most 1. */
export function effectiveWeights(candidates: readonly Candidate[], source: WeightSource): Float64Array {
  const weights = baseWeights(candidates, source);
  const heaviest = weights.reduce((most, weight) => Math.max(most, weight), 0);
  candidates.forEach((candidate, index) => {
    const share = ((weights[index] ?? 1) / heaviest) * rampOf(candidate);
    weights[index] = Math.max(share, MIN_SHARE);
  });
  return weights;
}

/** The weight of each candidate without its ramp. `load` falls back to `static` until a candidate has reported its load. */
export function baseWeights(candidates: readonly Candidate[], source: WeightSource): Float64Array {
  if (source === 'even') return new Float64Array(candidates.length).fill(1);
  const reported = source === 'load' && candidates.some(({ loadWeight }) => isWeight(loadWeight));
  return withMeans(candidates.map((candidate) => (reported ? candidate.loadWeight : candidate.weight)));
}

/** A candidate's ramp, within the limits of a ramp. NaN counts as 1. */
export function rampOf({ ramp }: Candidate): number {
  return Number.isNaN(ramp) ? 1 : Math.min(Math.max(ramp, MIN_RAMP), 1);
}

/** Replaces each unknown or invalid weight by the mean of the known ones: such a candidate is neither starved nor favoured. */
function withMeans(weights: readonly (number | undefined)[]): Float64Array {
  const known = weights.filter(isWeight).map((weight) => Math.min(weight, MAX_WEIGHT));
  const mean = known.length === 0 ? 1 : known.reduce((sum, weight) => sum + weight, 0) / known.length;
  return Float64Array.from(weights, (weight) => (isWeight(weight) ? Math.min(weight, MAX_WEIGHT) : mean));
}

function isWeight(weight: number | undefined): weight is number {
  return weight !== undefined && weight > 0 && weight < Number.POSITIVE_INFINITY;
}

/**
 * A discrete distribution over the indexes of a list. It divides [0, 1) into one interval for each index, as long as the
 * index's share of the weights. A lookup takes constant time on average: a guide table gives the index to start at
 * (Chen and Asau, "On Generating Random Variates from an Empirical Distribution", 1974).
 */
export class WeightedIndex {
  /** Whether all intervals are equally long. */
  readonly even: boolean;
  readonly #size: number;
  /** The end of each interval: the cumulative shares. Empty if all intervals are equally long. */
  readonly #ends: Float64Array;
  /** The guide table. It divides [0, 1) into as many equal cells and holds the first interval that reaches into each. */
  readonly #guide: Uint32Array;

  /** @param weights finite numbers above 0. */
  constructor(weights: Float64Array) {
    this.#size = weights.length;
    this.even = weights.every((weight) => weight === weights[0]);
    this.#ends = this.even ? new Float64Array() : endsOf(weights);
    this.#guide = guideOf(this.#ends);
  }

  /** The share of `index`, 0 to 1. */
  share(index: number): number {
    return this.even ? 1 / this.#size : (this.#ends[index] ?? 1) - this.#startOf(index);
  }

  /** The index whose interval contains `point`, which is in [0, 1). */
  at(point: number): number {
    const cell = Math.floor(point * this.#size);
    if (this.even) return cell;
    const last = this.#size - 1;
    let index = this.#guide[cell] ?? last;
    while (index < last && (this.#ends[index] ?? 1) <= point) index += 1;
    return index;
  }

  /** An index other than `excluded`: its interval contains `point` once that of `excluded` is cut out. Needs two indexes. */
  atExcluding(excluded: number, point: number): number {
    if (this.even) {
      const other = Math.floor(point * (this.#size - 1));
      return other < excluded ? other : other + 1;
    }
    const share = this.share(excluded);
    const scaled = point * (1 - share);
    const found = this.at(scaled < this.#startOf(excluded) ? scaled : scaled + share);
    // Rounding may put the sum just inside the interval that is cut out.
    return found === excluded ? (excluded + 1) % this.#size : found;
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
 * The share of the next calls, 0 to 1, that each of `candidates` gets by its weight, in their order. It doesn't count what
 * differs from call to call: hash keys and calls in flight.
 */
export function nominalShares(candidates: readonly Candidate[], source: WeightSource): readonly number[] {
  const distribution = new WeightedIndex(effectiveWeights(candidates, source));
  return candidates.map((_, index) => distribution.share(index));
}
