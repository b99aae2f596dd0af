import { ringOf, subsetOf } from '../../balancer/subset.js';
import { TIERS, tierOf } from '../../balancer/tiers.js';
import type { Member } from '../member/member.js';

/** What a window is made with. */
export interface SubsetWindowOptions {
  /** How many members it has where all of them can be used. */
  readonly size: number;
  /** Where zones matter: the client's own. It has so many of each: the zone, its region and the rest. */
  readonly zone: string;
}

/** The members of a group that its client uses, where there are more: `inSubset` of each says whether it is one. */
export class SubsetWindow {
  readonly #options: SubsetWindowOptions;
  #rings: readonly (readonly string[])[] = [];
  #position = 0;

  constructor(options: SubsetWindowOptions) {
    this.#options = options;
  }

  /** Begins anew, as who there is has changed, or the client's position has. Gives those that are used no more. */
  reset<M extends Member>(members: ReadonlyMap<string, M>, position: number): readonly M[] {
    this.#position = position;
    this.#rings = TIERS.map((tier) =>
      ringOf([...members.keys()].filter((id) => tierOf(members.get(id)?.zone ?? '', this.#options.zone) === tier)),
    );
    const inside = new Set(this.#walk(members));
    const left: M[] = [];
    for (const [id, member] of members) {
      if (member.inSubset && !inside.has(id)) left.push(member);
      member.inSubset = inside.has(id);
    }
    return left;
  }

  /**
   * Has others take the place of those that can't be used. They stay until it begins anew, so that one that comes and
   * goes moves nobody else. Gives whether there are any.
   */
  grow(members: ReadonlyMap<string, Member>): boolean {
    let grown = false;
    for (const id of this.#walk(members)) {
      const member = members.get(id);
      if (member === undefined || member.inSubset) continue;
      member.inSubset = true;
      grown = true;
    }
    return grown;
  }

  #walk(members: ReadonlyMap<string, Member>): readonly string[] {
    const { size } = this.#options;
    const usable = (id: string) => members.get(id)?.fit ?? false;
    return this.#rings.flatMap((ring) => subsetOf(ring, { size, position: this.#position, usable }));
  }
}
