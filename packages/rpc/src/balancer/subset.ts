import { murmur3 } from './murmur3.js';

/** A subset is a part of a ring of ids: a window that begins at a client's place and is as wide as it has members. */
export interface SubsetOptions {
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
