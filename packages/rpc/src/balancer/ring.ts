import { type RingNode, type RingPoints, setOut } from './ring-points.js';

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
