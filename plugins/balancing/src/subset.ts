import type { Subset } from './channel-types.js';
import { PRIORITY_LEVELS, priorityLevelOf } from './locality.js';
import { murmur3 } from './murmur3.js';

/** An instance that may be in a subset. */
interface SubsetMember {
  readonly zone: string;
  readonly usable: boolean;
  inSubset: boolean;
}

/** Options of {@link SubsetWindow}. */
interface SubsetWindowOptions {
  /** The number of usable subchannels in the subset. */
  readonly size: number;
  /** The client's zone, if zones matter: then the subset has `size` of each tier: the zone, its region and the rest. */
  readonly zone: string;
  /** The client's position among its peers, in [0, 1). */
  readonly position: () => number;
}

/** The subset of a large pool that this client uses. */
export class SubsetWindow implements Subset {
  readonly #options: SubsetWindowOptions;
  #rings: readonly (readonly string[])[] = [];
  #position = 0;

  constructor(options: SubsetWindowOptions) {
    this.#options = options;
  }

  /** Chooses the subset again after a change of the pool or of the position. */
  reset<M extends SubsetMember>(subchannels: ReadonlyMap<string, M>): readonly M[] {
    this.#position = this.#options.position();
    this.#rings = PRIORITY_LEVELS.map((tier) =>
      ringOf(
        [...subchannels.keys()].filter(
          (id) => priorityLevelOf(subchannels.get(id)?.zone ?? '', this.#options.zone) === tier,
        ),
      ),
    );
    const inside = new Set(this.#walk(subchannels));
    const left: M[] = [];
    for (const [id, subchannel] of subchannels) {
      if (subchannel.inSubset && !inside.has(id)) left.push(subchannel);
      subchannel.inSubset = inside.has(id);
    }
    return left;
  }

  /**
   * Adds replacements for unusable subchannels. They stay until the next {@link reset}, so that a flapping instance does not
   * move others.
   */
  grow(subchannels: ReadonlyMap<string, SubsetMember>): boolean {
    let grown = false;
    for (const id of this.#walk(subchannels)) {
      const subchannel = subchannels.get(id);
      if (subchannel === undefined || subchannel.inSubset) continue;
      subchannel.inSubset = true;
      grown = true;
    }
    return grown;
  }

  #walk(subchannels: ReadonlyMap<string, SubsetMember>): readonly string[] {
    const { size } = this.#options;
    const usable = (id: string) => subchannels.get(id)?.usable ?? false;
    return this.#rings.flatMap((ring) => subsetOf(ring, { size, position: this.#position, usable }));
  }
}

/** A subset is a window of a ring of instance ids. It begins at the client's position. */
interface SubsetOptions {
  /** The number of usable ids. */
  readonly size: number;
  /** The client's position, in [0, 1). */
  readonly position: number;
  /** Whether an id is usable. Each unusable one makes the window one wider. */
  readonly usable: (id: string) => boolean;
}

/** The ring's order of `ids`, by hash: the same in every client, whatever the order of the list. */
export function ringOf(ids: Iterable<string>): readonly string[] {
  const hashed = [...new Set(ids)].map((id) => ({ id, hash: murmur3(id, SEED) }));
  hashed.sort((one, other) => one.hash - other.hash || (one.id < other.id ? -1 : 1));
  return hashed.map(({ id }) => id);
}

/**
 * A client's subset of `ring`. If the positions of the clients are spread evenly, the ids are in equally many subsets, give
 * or take one. An id that joins or leaves changes at most two members of a subset.
 *
 * Source: deterministic aperture, https://twitter.github.io/finagle/guide/ApertureLoadBalancers.html
 */
export function subsetOf(ring: readonly string[], { size, position, usable }: SubsetOptions): readonly string[] {
  // Rounding: a fraction such as 29/50 is slightly too small as a float.
  const start = Math.floor(position * ring.length + 1e-9);
  const subset: string[] = [];
  for (let step = 0, left = size; step < ring.length && left > 0; step += 1) {
    const id = ring[(start + step) % ring.length];
    if (id === undefined) break;
    subset.push(id);
    if (usable(id)) left -= 1;
  }
  return subset;
}

/** The position of `self` among its `peers`, in [0, 1). Positions are spread evenly. `self` need not be listed yet. */
export function positionAmong(self: string, peers: Iterable<string>): number {
  const ring = ringOf([...peers, self]);
  return ring.indexOf(self) / ring.length;
}

/** The position of a client with unknown peers, in [0, 1). */
export function positionOf(client: string): number {
  return murmur3(client, SEED) / 2 ** 32;
}

/** Differs from the seed of ring_hash: the two rings must be independent. */
const SEED = 0x73756273;
