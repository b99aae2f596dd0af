import { avalanche, murmur3 } from './murmur3.js';
import type { Candidate } from './picker.js';
import { baseWeights } from './weights.js';

/** At most so many points are in a part of the circle on average, which is where a search begins. */
const POINTS_A_PART = 8;
const NOTHING: RingPoints = { nodes: [], pairs: new Uint32Array() };

/**
 * Points on a circle of 2^32, each of them a node's: what a key's hash comes to next is its node (Karger et al.,
 * "Consistent Hashing and Random Trees", 1997). A node's points depend on its id alone. So a node that leaves hands over
 * its own keys and no others, and the ring is the same wherever it is built, in whichever order nodes come.
 */
export class Ring {
  /** How many points there are. */
  readonly size: number;
  readonly #points: RingPoints;
  readonly #pairs: Uint32Array;
  /** For each part of the circle, of a few points each, the first point that isn't before it. */
  readonly #starts: Uint32Array;
  readonly #shift: number;

  /** @param before is one of about the same nodes: then this one is made of it, at a tenth of the cost. */
  constructor(nodes: readonly RingNode[], before?: Ring) {
    this.#points = setOut(nodes, before === undefined ? NOTHING : before.#points);
    this.#pairs = this.#points.pairs;
    this.size = this.#pairs.length / 2;
    this.#shift = 32 - Math.max(Math.ceil(Math.log2(this.size / POINTS_A_PART)), 1);
    this.#starts = startsOf(this.#pairs, this.#shift);
  }

  /** Which of the points is the first at `hash` or after it, round the circle. */
  after(hash: number): number {
    let point = this.#starts[hash >>> this.#shift] ?? 0;
    while (point < this.size && (this.#pairs[point * 2] ?? 0) < hash) point += 1;
    return point === this.size ? 0 : point;
  }

  /** Whose a point is: a place in the list that the ring was made of. */
  owner(point: number): number {
    return this.#pairs[point * 2 + 1] ?? 0;
  }
}

function startsOf(pairs: Uint32Array, shift: number): Uint32Array {
  const starts = new Uint32Array(2 ** (32 - shift));
  let point = 0;
  for (let part = 0; part < starts.length; part += 1) {
    while (point * 2 < pairs.length && (pairs[point * 2] ?? 0) >>> shift < part) point += 1;
    starts[part] = point;
  }
  return starts;
}

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

/** A node of a ring, and how many points it has there. */
interface RingNode {
  readonly id: string;
  readonly points: number;
}

/** Where nodes have their points: in order, of each its hash and then its node's place in the list. */
interface RingPoints {
  readonly nodes: readonly RingNode[];
  readonly pairs: Uint32Array;
}

/** Two hashes of an id: where its points begin, and how far they are apart. */
const START_SEED = 0x72696e67;
const STRIDE_SEED = 0x6e6f6465;
/** More than there can be nodes; 2^32 hashes times so many are numbers that are exact. */
const NODE_LIMIT = 2 ** 20;
const GONE = 2 ** 32 - 1;

/** Sets out the points of `nodes`: those that are in `known` already are taken from there, as sorting costs the most. */
function setOut(nodes: readonly RingNode[], known: RingPoints): RingPoints {
  const before = new Map(known.nodes.map((node) => [node.id, node]));
  const fresh = nodes.flatMap((node, place) => (before.get(node.id)?.points === node.points ? [] : [place]));
  const added = sortedPairs(nodes, fresh);
  const kept = keptPairs(nodes, { known, fresh: new Set(fresh) });
  return { nodes, pairs: merge(kept, added, nodes) };
}

/** The points of the nodes at `places`. */
function sortedPairs(nodes: readonly RingNode[], places: readonly number[]): Uint32Array {
  const order = places.map((place) => ({ place, node: nodes[place] ?? { id: '', points: 0 } }));
  // Where two points are the same, ids decide.
  order.sort((one, other) => (one.node.id < other.node.id ? -1 : 1));
  const keys = new Float64Array(order.reduce((sum, { node }) => sum + node.points, 0));
  let index = 0;
  order.forEach(({ node: { id, points } }, rank) => {
    const start = murmur3(id, START_SEED);
    const stride = murmur3(id, STRIDE_SEED) | 1;
    for (let point = 0; point < points; point += 1, index += 1)
      keys[index] = avalanche(start + Math.imul(point, stride)) * NODE_LIMIT + rank;
  });
  keys.sort();
  const pairs = new Uint32Array(keys.length * 2);
  keys.forEach((key, point) => {
    const hash = Math.floor(key / NODE_LIMIT);
    pairs[point * 2] = hash;
    pairs[point * 2 + 1] = order[key - hash * NODE_LIMIT]?.place ?? 0;
  });
  return pairs;
}

/** Those known points whose nodes are still there, with the places that these have now. */
function keptPairs(
  nodes: readonly RingNode[],
  { known, fresh }: { readonly known: RingPoints; readonly fresh: ReadonlySet<number> },
): Uint32Array {
  const now = new Map(nodes.map(({ id }, place) => [id, fresh.has(place) ? GONE : place]));
  const moves = Uint32Array.from(known.nodes, ({ id }) => now.get(id) ?? GONE);
  const pairs = new Uint32Array(known.pairs.length);
  let length = 0;
  for (let index = 0; index < known.pairs.length; index += 2) {
    const place = moves[known.pairs[index + 1] ?? 0] ?? GONE;
    if (place === GONE) continue;
    pairs[length] = known.pairs[index] ?? 0;
    pairs[length + 1] = place;
    length += 2;
  }
  return pairs.subarray(0, length);
}

/** Few points among many, most often: what lies between two of them is copied at once. */
function merge(many: Uint32Array, few: Uint32Array, nodes: readonly RingNode[]): Uint32Array {
  const pairs = new Uint32Array(many.length + few.length);
  const idAt = (list: Uint32Array, at: number) => nodes[list[at + 1] ?? 0]?.id ?? '';
  const copy = (from: number, to: number, at: number) => pairs.set(many.subarray(from, to), at);
  let from = 0;
  for (let at = 0; at < few.length; at += 2) {
    const hash = few[at] ?? 0;
    let to = from;
    while (to < many.length && (many[to] ?? 0) < hash) to += 2;
    while (to < many.length && many[to] === hash && idAt(many, to) < idAt(few, at)) to += 2;
    if (to > from) copy(from, to, from + at);
    pairs[to + at] = hash;
    pairs[to + at + 1] = few[at + 1] ?? 0;
    from = to;
  }
  copy(from, many.length, from + few.length);
  return pairs;
}
