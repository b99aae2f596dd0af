import { TIERS, tierOf } from '../balancer/locality.js';
import { murmur3 } from '../balancer/murmur3.js';
import type { Subchannel } from './subchannel.js';

/** What a window is made with. */
interface SubsetWindowOptions {
  /** How many subchannels it has where all of them can be used. */
  readonly size: number;
  /** Where zones matter: the client's own. It has so many of each: the zone, its region and the rest. */
  readonly zone: string;
}

/** The subchannels of a pool that its client uses, where there are more: `inSubset` of each says whether it is one. */
export class SubsetWindow {
  readonly #options: SubsetWindowOptions;
  #rings: readonly (readonly string[])[] = [];
  #position = 0;

  constructor(options: SubsetWindowOptions) {
    this.#options = options;
  }

  /** Begins anew, as who there is has changed, or the client's position has. Gives those that are used no more. */
  reset<M extends Subchannel>(subchannels: ReadonlyMap<string, M>, position: number): readonly M[] {
    this.#position = position;
    this.#rings = TIERS.map((tier) =>
      ringOf(
        [...subchannels.keys()].filter((id) => tierOf(subchannels.get(id)?.zone ?? '', this.#options.zone) === tier),
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
   * Has others take the place of those that can't be used. They stay until it begins anew, so that one that comes and
   * goes moves nobody else. Gives whether there are any.
   */
  grow(subchannels: ReadonlyMap<string, Subchannel>): boolean {
    let grown = false;
    for (const id of this.#walk(subchannels)) {
      const subchannel = subchannels.get(id);
      if (subchannel === undefined || subchannel.inSubset) continue;
      subchannel.inSubset = true;
      grown = true;
    }
    return grown;
  }

  #walk(subchannels: ReadonlyMap<string, Subchannel>): readonly string[] {
    const { size } = this.#options;
    const usable = (id: string) => subchannels.get(id)?.usable ?? false;
    return this.#rings.flatMap((ring) => subsetOf(ring, { size, position: this.#position, usable }));
  }
}

/** A subset is a part of a ring of ids: a window that begins at a client's place and is as wide as it has subchannels. */
interface SubsetOptions {
  /** How many are to be usable. */
  readonly size: number;
  /** The client's place, in [0, 1). */
  readonly position: number;
  /** Whether one of them can be used: where it can't, the window is wider by one. */
  readonly usable: (id: string) => boolean;
}

/** The order of a ring of `ids`: the same in every client, however they were listed, and unlike that of their names. */
export function ringOf(ids: Iterable<string>): readonly string[] {
  const hashed = [...new Set(ids)].map((id) => ({ id, hash: murmur3(id, SEED) }));
  hashed.sort((one, other) => one.hash - other.hash || (one.id < other.id ? -1 : 1));
  return hashed.map(({ id }) => id);
}

/**
 * A client's subset of `ring`. Where clients are at evenly spread positions each id is in as many subsets as any other,
 * but for one; one that joins or leaves changes at most two of a subset's.
 *
 * Source: deterministic aperture, https://twitter.github.io/finagle/guide/ApertureLoadBalancers.html
 */
export function subsetOf(ring: readonly string[], { size, position, usable }: SubsetOptions): readonly string[] {
  // A fraction such as 29/50 is a little less than it should be.
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

/** The place of `self` among its `peers`, in [0, 1): all of them are spread evenly. It needn't be among them yet. */
export function positionAmong(self: string, peers: Iterable<string>): number {
  const ring = ringOf([...peers, self]);
  return ring.indexOf(self) / ring.length;
}

/** The place of a client whose peers aren't known, in [0, 1). */
export function positionOf(client: string): number {
  return murmur3(client, SEED) / 2 ** 32;
}

/** Other than a hash ring's: who is beside whom there has nothing to do with it. */
const SEED = 0x73756273;
