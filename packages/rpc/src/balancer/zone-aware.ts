import type { Random } from '../clock/index.js';
import { TIERS, type Tier, tierOf } from './locality.js';
import { evenPoints } from './low-discrepancy.js';
import type { BalancingPolicy, Candidate, Capacity, PickCall, Picker } from './picker.js';
import { rampOf } from './weights.js';

/** What zone-aware balancing is made with. */
interface ZoneAwareOptions {
  /** Where the caller runs, as `region/zone`; empty where nobody said: then all zones are the same to it. */
  readonly zone: string;
  /** Shares calls out inside a zone, a region and the rest: one each. */
  readonly inner: () => BalancingPolicy;
  readonly random: Random;
}

/**
 * Calls stay in the caller's zone, go to its region, or anywhere, in this order, each as far as it is fit: a tier takes
 * 1.4 times the part of its capacity that is there, and leaves what is more to the next. So half of a zone bears 70 % of
 * the calls, and a dead one none. A tier that is crowded and slower than the next leaves it calls in the same way, by
 * its speed. Where all together are not fit enough, each has its part.
 *
 * Source: Envoy's priority levels, https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/priority
 */
export function zoneAware({ zone, random, inner }: ZoneAwareOptions): BalancingPolicy {
  const policies = TIERS.map(inner);
  const shared = { load: new TierLoad(TIERS.length), nextPoint: evenPoints(random) };
  return {
    over<C extends Candidate>(candidates: readonly C[], capacity: readonly Capacity[] = candidates): Picker<C> {
      const tiers = TIERS.flatMap((tier) => {
        const own = candidates.filter((candidate) => tierOf(candidate.zone, zone) === tier);
        const policy = policies[tier];
        if (own.length === 0 || policy === undefined) return [];
        const expected = capacity.filter((one) => tierOf(one.zone, zone) === tier);
        return [{ tier, candidates: own, picker: policy.over(own), fitness: fitnessOf(own, expected) }];
      });
      const [only] = tiers;
      return only !== undefined && tiers.length === 1 ? only.picker : new ZonePicker(tiers, shared);
    },
  };
}

/** How much of its share a tier can take: what is there of its capacity, and as warm as the warmest of it. */
function fitnessOf(candidates: readonly Candidate[], expected: readonly Capacity[]): number {
  const able = weightOf(candidates);
  const part = able === 0 ? 1 : able / Math.max(able, weightOf(expected));
  const warmth = candidates.reduce((most, candidate) => Math.max(most, rampOf(candidate)), 0);
  return Math.min(1, SPARE * part) * warmth;
}

function weightOf(members: readonly Capacity[]): number {
  return members.reduce((sum, { weight }) => (weight > 0 && weight < Number.POSITIVE_INFINITY ? sum + weight : sum), 0);
}

interface PickingTier<C extends Candidate> extends TierView {
  readonly tier: Tier;
  readonly candidates: readonly C[];
  readonly picker: Picker<C>;
  /** In (0, 1]. */
  readonly fitness: number;
}

/** What outlives a picker. */
interface Shared {
  readonly load: TierLoad;
  /**
   * Whose share it falls on is picked. Points are even also where only every second or third is looked at: methods that
   * are called in turn each have their share everywhere.
   */
  readonly nextPoint: () => number;
}

/** How many picks shares are taken as they were. */
const SHARES_STAND = 32;
class ZonePicker<C extends Candidate> implements Picker<C> {
  readonly #tiers: readonly PickingTier<C>[];
  readonly #shared: Shared;
  /** Where the share of each tier ends, in [0, 1]. */
  readonly #ends: number[];
  #left = 0;

  constructor(tiers: readonly PickingTier<C>[], shared: Shared) {
    this.#tiers = tiers;
    this.#shared = shared;
    this.#ends = tiers.map(() => 0);
  }

  pick(call: PickCall<C>): C | undefined {
    if (this.#left === 0) this.#share();
    this.#left -= 1;
    const first = this.#tierAt(this.#shared.nextPoint());
    return (first && this.#pickIn(first, call)) ?? this.#pickElsewhere(first, call);
  }

  #tierAt(point: number): PickingTier<C> | undefined {
    let index = 0;
    while (point >= (this.#ends[index] ?? 1)) index += 1;
    return this.#tiers[index];
  }

  #pickIn(tier: PickingTier<C>, call: PickCall<C>): C | undefined {
    const picked = tier.picker.pick(call);
    if (picked !== undefined) this.#shared.load.note(tier.tier, this.#tiers);
    return picked;
  }

  /** The nearest that has one which wasn't tried. */
  #pickElsewhere(but: PickingTier<C> | undefined, call: PickCall<C>): C | undefined {
    for (const tier of this.#tiers) {
      const picked = tier === but ? undefined : this.#pickIn(tier, call);
      if (picked !== undefined) return picked;
    }
    return undefined;
  }

  #share(): void {
    let end = 0;
    for (const [index, tier] of this.#tiers.entries()) {
      const next = this.#tiers[index + 1];
      const overflow = next === undefined ? 0 : this.#shared.load.overflow(tier, next);
      end = Math.min(1, end + tier.fitness * (1 - overflow));
      this.#ends[index] = end;
    }
    // Where all of them are less than one, each has its part of it.
    for (let index = 0; index < this.#ends.length; index += 1) this.#ends[index] = (this.#ends[index] ?? 0) / end;
    this.#left = SHARES_STAND;
  }
}

/** What so many tiers of zones have in flight, against what they are given. */
class TierLoad {
  /** Calls in flight at one candidate, on average. */
  readonly #busy: number[];
  /** The part of all calls that a tier was given. */
  readonly #taken: number[];
  #noted = 0;

  constructor(tiers: number) {
    this.#busy = new Array<number>(tiers).fill(0);
    this.#taken = new Array<number>(tiers).fill(0);
  }

  /** Notes that tier `taker` was given a call. One candidate of each tier is looked at, each in turn. */
  note(taker: number, tiers: readonly TierView[]): void {
    this.#noted += 1;
    const step = 1 / this.#window(tiers);
    for (const { tier, candidates } of tiers) {
      const inFlight = candidates[this.#noted % candidates.length]?.inFlight ?? 0;
      this.#move(this.#busy, tier, { to: inFlight, step });
    }
    for (let tier = 0; tier < this.#taken.length; tier += 1) {
      this.#move(this.#taken, tier, { to: tier === taker ? 1 : 0, step });
    }
  }

  /**
   * The part of its calls that tier `near` is to leave to `far`: none while it has room, or its calls end about as fast
   * as those that went to `far`.
   *
   * By Little's law what a tier has in flight, divided by the part of the calls that it was given, is how long its calls
   * take, in a unit that is the same for all tiers.
   */
  overflow(near: TierView, far: TierView): number {
    const window = Math.min(this.#noted, WINDOW);
    const nearTaken = this.#taken[near.tier] ?? 0;
    if (nearTaken * window < LEAST_SAMPLES) return 0;
    const nearTime = this.#timeOf(near);
    const alone = nearTime / near.candidates.length;
    const crowded = Math.min(1, Math.max(0, (alone - ROOM) / (CROWDED - ROOM)));
    if (crowded === 0) return 0;
    const samples = (this.#taken[far.tier] ?? 0) * window;
    if (samples < LEAST_SAMPLES) return crowded * EXPLORED;
    // What little is known of the other is taken for the worst that it may mean.
    const farTime = this.#timeOf(far) * (1 + 2 / Math.sqrt(samples));
    const speed = Math.min(1, (SPARE * farTime) / nearTime);
    return crowded * Math.max(EXPLORED, Math.min(1 - EXPLORED, 1 - speed));
  }

  #timeOf({ tier, candidates }: TierView): number {
    const taken = this.#taken[tier] ?? 0;
    return taken === 0 ? 0 : ((this.#busy[tier] ?? 0) * candidates.length) / taken;
  }

  /** Of how many calls means are taken: many more than are in flight, as what is changed shows only when they end. */
  #window(tiers: readonly TierView[]): number {
    let inFlight = 0;
    for (const { tier, candidates } of tiers) inFlight += (this.#busy[tier] ?? 0) * candidates.length;
    return Math.min(this.#noted, WINDOW + 4 * inFlight, LONGEST_WINDOW);
  }

  #move(means: number[], tier: number, { to, step }: { readonly to: number; readonly step: number }): void {
    const mean = means[tier] ?? 0;
    means[tier] = mean + (to - mean) * step;
  }
}

/** The candidates of one tier. */
interface TierView {
  readonly tier: number;
  readonly candidates: readonly Candidate[];
}

/** So much more than what it is asked for a tier is taken to bear; Envoy's overprovisioning factor. */
const SPARE = 1.4;
const WINDOW = 1_024;
const LONGEST_WINDOW = 32_768;
/** Of fewer calls nothing is concluded. */
const LEAST_SAMPLES = 8;
/** A tier that would have up to so many of this client's calls in flight at each candidate has room for them all. */
const ROOM = 0.5;
/** One that would have so many may be slow because of them. */
const CROWDED = 1;
/** The part of a crowded tier's calls by which the speed of the next one is known. */
const EXPLORED = 0.02;
