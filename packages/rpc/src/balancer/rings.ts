import type { Candidate } from './picker.js';
import { Ring } from './ring.js';
import { baseWeights } from './weights.js';

/** A node of the usual weight, 100, has 250 points: of ten, none has a quarter more keys than the mean, but in 3 of 1,000 fleets. */
const POINTS_PER_WEIGHT = 2.5;
/** Where all weigh less than usual, the heaviest has at least so many points. */
const LEAST_POINTS = 128;
/** No ring has many more points than this, whatever its nodes weigh. */
const MOST_POINTS = 2 ** 18;
/** How many rings are kept: methods may differ in who takes their calls. */
const KEPT = 4;

interface Kept {
  readonly ids: readonly string[];
  readonly points: readonly number[];
  readonly ring: Ring;
}

/** Gives the ring of a list. It is made of ids and weights: where neither has changed, it is the one that was made before. */
export function createRings(): (candidates: readonly Candidate[]) => Ring {
  let kept: readonly Kept[] = [];
  return (candidates) => {
    const points = pointsOf(candidates);
    const isIt = (one: Kept) =>
      one.ids.length === candidates.length &&
      candidates.every(({ id }, index) => one.ids[index] === id && one.points[index] === points[index]);
    const found = kept.find(isIt) ?? build(candidates, points, kept[0]?.ring);
    kept = [found, ...kept.filter((one) => one !== found)].slice(0, KEPT);
    return found.ring;
  };
}

function build(candidates: readonly Candidate[], points: readonly number[], before: Ring | undefined): Kept {
  const ids = candidates.map(({ id }) => id);
  const nodes = ids.map((id, index) => ({ id, points: points[index] ?? 1 }));
  return { ids, points, ring: new Ring(nodes, before) };
}

/**
 * As many for each as it weighs. The measure is the same for all lists, so that one that comes or goes changes nothing
 * about the points of the others, but where all are light or there would be too many points: then it is doubled or
 * halved.
 */
function pointsOf(candidates: readonly Candidate[]): readonly number[] {
  const weights = baseWeights(candidates, 'static');
  const heaviest = weights.reduce((most, weight) => Math.max(most, weight), 0);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let measure = POINTS_PER_WEIGHT;
  while (heaviest > 0 && heaviest * measure < LEAST_POINTS) measure *= 2;
  while (total * measure > MOST_POINTS) measure /= 2;
  return Array.from(weights, (weight) => Math.max(Math.round(weight * measure), 1));
}
