import type { Random } from '@rondo/base';
import {
  type BalancingPolicy,
  type Candidate,
  goldenRatioSequence,
  type PickCall,
  type Picker,
  rampOf,
} from '@rondo/rpc/internal';
import { PRIORITY_LEVELS, type PriorityLevel, priorityLevelOf } from './locality.js';

/** An endpoint that is expected to take calls, whether it can take them now or not. */
type Capacity = Pick<Candidate, 'zone' | 'weight'>;

/** What the zone-aware policy is made from. */
interface ZoneAwareOptions {
  /** The client's `region/zone`. If it is empty (unknown), all zones are equal. */
  readonly zone: string;
  /** Creates the policy that divides calls inside a tier. Called once for each tier. */
  readonly inner: () => BalancingPolicy;
  readonly random: Random;
}

/**
 * `zone_aware`: calls stay in the client's zone, overflow to its region and then to all other zones. These are three
 * priority levels, called tiers.
 *
 * A tier takes 1.4 times the part of its capacity that is available, and the rest overflows to the next tier. So a zone
 * with half of its capacity takes 70 % of the calls, and a zone with none takes none. A tier that is crowded and slower
 * than the next also overflows, by its speed. If all tiers together can take less than all calls, each takes its part in
 * proportion.
 *
 * Source: Envoy's priority levels, https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/priority
 */
export function zoneAware({ zone, random, inner }: ZoneAwareOptions): BalancingPolicy {
  const policies = PRIORITY_LEVELS.map(inner);
  const state = { load: new TierLoad(PRIORITY_LEVELS.length), nextPoint: goldenRatioSequence(random) };
  return {
    over<C extends Candidate>(candidates: readonly C[], capacity: readonly Capacity[] = candidates): Picker<C> {
      const tiers = PRIORITY_LEVELS.flatMap((tier) => {
        const own = candidates.filter((candidate) => priorityLevelOf(candidate.zone, zone) === tier);
        const policy = policies[tier];
        if (own.length === 0 || policy === undefined) return [];
        const expected = capacity.filter((one) => priorityLevelOf(one.zone, zone) === tier);
        return [{ tier, candidates: own, picker: policy.over(own), availability: availabilityOf(own, expected) }];
      });
      const [only] = tiers;
      return only !== undefined && tiers.length === 1 ? only.picker : new ZonePicker(tiers, state);
    },
  };
}

/**
 * The part of all calls that a tier can take, in (0, 1]: the part of its expected capacity that is available, times the
 * overprovisioning factor and times the highest ramp of its candidates.
 */
function availabilityOf(candidates: readonly Candidate[], expected: readonly Capacity[]): number {
  const available = weightOf(candidates);
  const part = available === 0 ? 1 : available / Math.max(available, weightOf(expected));
  const highestRamp = candidates.reduce((most, candidate) => Math.max(most, rampOf(candidate)), 0);
  return Math.min(1, OVERPROVISIONING * part) * highestRamp;
}

function weightOf(capacity: readonly Capacity[]): number {
  return capacity.reduce(
    (sum, { weight }) => (weight > 0 && weight < Number.POSITIVE_INFINITY ? sum + weight : sum),
    0,
  );
}

interface TierPicker<C extends Candidate> extends TierView {
  readonly tier: PriorityLevel;
  readonly candidates: readonly C[];
  readonly picker: Picker<C>;
  /** The part of all calls that the tier can take, in (0, 1]. */
  readonly availability: number;
}

/** The policy's state, which all its pickers share. */
interface ZoneAwareState {
  readonly load: TierLoad;
  /**
   * Gives a point in [0, 1) for each call; the tier whose share contains it is picked. Each second or third point of the sequence
   * is spread as evenly as all points, so methods that are called alternately also get exact shares.
   */
  readonly nextPoint: () => number;
}

/** How many picks use the same shares. Then they are computed again. */
const PICKS_PER_UPDATE = 32;

class ZonePicker<C extends Candidate> implements Picker<C> {
  /** Nearest first. */
  readonly #tiers: readonly TierPicker<C>[];
  readonly #state: ZoneAwareState;
  /** The end of each tier's share, in [0, 1]: the cumulative shares. */
  readonly #ends: number[];
  #picksLeft = 0;

  constructor(tiers: readonly TierPicker<C>[], state: ZoneAwareState) {
    this.#tiers = tiers;
    this.#state = state;
    this.#ends = tiers.map(() => 0);
  }

  pick(call: PickCall<C>): C | undefined {
    if (this.#picksLeft === 0) this.#updateShares();
    this.#picksLeft -= 1;
    const first = this.#tierAt(this.#state.nextPoint());
    return (first && this.#pickIn(first, call)) ?? this.#pickElsewhere(first, call);
  }

  #tierAt(point: number): TierPicker<C> | undefined {
    let index = 0;
    while (point >= (this.#ends[index] ?? 1)) index += 1;
    return this.#tiers[index];
  }

  #pickIn(tier: TierPicker<C>, call: PickCall<C>): C | undefined {
    const picked = tier.picker.pick(call);
    if (picked !== undefined) this.#state.load.note(tier.tier, this.#tiers);
    return picked;
  }

  /** Picks in the nearest tier, other than `except`, that has a candidate which has not been tried. */
  #pickElsewhere(except: TierPicker<C> | undefined, call: PickCall<C>): C | undefined {
    for (const tier of this.#tiers) {
      const picked = tier === except ? undefined : this.#pickIn(tier, call);
      if (picked !== undefined) return picked;
    }
    return undefined;
  }

  #updateShares(): void {
    let end = 0;
    for (const [index, tier] of this.#tiers.entries()) {
      const next = this.#tiers[index + 1];
      const overflow = next === undefined ? 0 : this.#state.load.overflow(tier, next);
      end = Math.min(1, end + tier.availability * (1 - overflow));
      this.#ends[index] = end;
    }
    // If the shares add up to less than 1, all are scaled up in proportion.
    for (let index = 0; index < this.#ends.length; index += 1) this.#ends[index] = (this.#ends[index] ?? 0) / end;
    this.#picksLeft = PICKS_PER_UPDATE;
  }
}

/** Measures the load of each tier: moving averages of its calls in flight and of its share of the calls. */
class TierLoad {
  /** The mean number of calls in flight at one candidate of the tier. */
  readonly #inFlight: number[];
  /** The part of all calls that the tier got. */
  readonly #shares: number[];
  #calls = 0;

  constructor(tiers: number) {
    this.#inFlight = new Array<number>(tiers).fill(0);
    this.#shares = new Array<number>(tiers).fill(0);
  }

  /** A call goes to the tier `picked`. Reads the calls in flight at one candidate of each tier, the next one at each call. */
  note(picked: number, tiers: readonly TierView[]): void {
    this.#calls += 1;
    const step = 1 / this.#window(tiers);
    for (const { tier, candidates } of tiers) {
      const inFlight = candidates[this.#calls % candidates.length]?.inFlight ?? 0;
      this.#move(this.#inFlight, tier, { to: inFlight, step });
    }
    for (let tier = 0; tier < this.#shares.length; tier += 1) {
      this.#move(this.#shares, tier, { to: tier === picked ? 1 : 0, step });
    }
  }

  /**
   * The part of its calls that the tier `near` leaves to the tier `far`, 0 to 1. It is 0 while `near` is not
   * crowded, or while the latencies of both tiers are about equal.
   *
   * By Little's law a tier's calls in flight, divided by its share of the calls, are proportional to its latency.
   * The factor is the same for all tiers.
   */
  overflow(near: TierView, far: TierView): number {
    const window = Math.min(this.#calls, WINDOW);
    const nearShare = this.#shares[near.tier] ?? 0;
    if (nearShare * window < MIN_SAMPLES) return 0;
    const nearLatency = this.#latencyOf(near);
    const inFlightEach = nearLatency / near.candidates.length;
    const crowding = Math.min(1, Math.max(0, (inFlightEach - UNCROWDED) / (CROWDED - UNCROWDED)));
    if (crowding === 0) return 0;
    const samples = (this.#shares[far.tier] ?? 0) * window;
    if (samples < MIN_SAMPLES) return crowding * EXPLORATION;
    // An upper bound: with few samples, `far` counts as slower than measured.
    const farLatency = this.#latencyOf(far) * (1 + 2 / Math.sqrt(samples));
    const speed = Math.min(1, (OVERPROVISIONING * farLatency) / nearLatency);
    return crowding * Math.max(EXPLORATION, Math.min(1 - EXPLORATION, 1 - speed));
  }

  /** The tier's relative latency: the calls that it would have in flight if it got all calls. */
  #latencyOf({ tier, candidates }: TierView): number {
    const share = this.#shares[tier] ?? 0;
    return share === 0 ? 0 : ((this.#inFlight[tier] ?? 0) * candidates.length) / share;
  }

  /**
   * The number of calls that the averages cover. It is much larger than the number of calls in flight, because a
   * change of the shares shows only when calls end.
   */
  #window(tiers: readonly TierView[]): number {
    let inFlight = 0;
    for (const { tier, candidates } of tiers) inFlight += (this.#inFlight[tier] ?? 0) * candidates.length;
    return Math.min(this.#calls, WINDOW + 4 * inFlight, MAX_WINDOW);
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

/** How much more than its share a tier is assumed to be able to take. Envoy's overprovisioning factor. */
const OVERPROVISIONING = 1.4;
/** The least number of calls that a moving average is taken over, after a start with fewer calls. */
const WINDOW = 1_024;
const MAX_WINDOW = 32_768;
/** With fewer calls to a tier, its latency counts as unknown. */
const MIN_SAMPLES = 8;
/**
 * A tier's crowding follows from the calls in flight that each of its candidates would have if the tier got all
 * calls. Up to this number the tier is not crowded.
 */
const UNCROWDED = 0.5;
/** From this number on a tier is fully crowded. Between the two, crowding grows linearly. */
const CROWDED = 1;
/** The part of a crowded tier's calls that goes to the next tier at least, to measure its latency. */
const EXPLORATION = 0.02;
