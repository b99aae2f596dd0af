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
