import { avalanche, murmur3 } from './murmur3.js';

/** A node of a ring, and how many points it has there. */
export interface RingNode {
  readonly id: string;
  readonly points: number;
}

/** Where nodes have their points: in order, of each its hash and then its node's place in the list. */
export interface RingPoints {
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
export function setOut(nodes: readonly RingNode[], known: RingPoints): RingPoints {
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
