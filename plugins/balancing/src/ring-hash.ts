import type { Random } from '@rondo/base';
import {
  type BalancingPolicy,
  type Candidate,
  drawUntried,
  effectiveWeights,
  nextUntried,
  type PickCall,
  type Picker,
  rampOf,
  WeightedIndex,
} from '@rondo/rpc/internal';
import { avalanche, murmur3 } from './murmur3.js';
import { createRings, type Ring } from './ring.js';

/** How many points of the ring a pick visits at most. After them the least overloaded candidate takes the call. */
const MAX_STEPS = 128;
const KEY_SEED = 0;
/** Mixed into a key's hash to get its slow-start threshold, which must not depend on the key's position on the ring. */
const THRESHOLD_SALT = 0x67617465;

/**
 * `ring_hash`: consistent hashing. A key goes to the same instance while that instance is connected. A call without
 * a key goes to a random instance.
 *
 * With `balanceFactor` loads are bounded: the calls in flight at a candidate are at most that percentage of its
 * share, rounded up. If it is full, the key goes to the next instance on the ring, and returns when there is room
 * again (Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2016).
 *
 * During slow start a new instance takes over its keys one by one. Each key has a threshold between 0 and 1; it
 * moves when the instance's ramp exceeds it, and goes to its former instance until then.
 */
export function ringHash(random: Random, balanceFactor = Number.POSITIVE_INFINITY): BalancingPolicy {
  const ringOf = createRings();
  const bound = balanceFactor / 100;
  return { over: (candidates) => new RingHashPicker(candidates, { ring: ringOf(candidates), random, bound }) };
}

/** What a {@link RingHashPicker} is made from. */
interface RingHashOptions {
  readonly ring: Ring;
  readonly random: Random;
  /** How many times its share of the calls in flight a candidate has at most. */
  readonly bound: number;
}

class RingHashPicker<C extends Candidate> implements Picker<C> {
  readonly #candidates: readonly C[];
  readonly #ring: Ring;
  readonly #bound: number;
  readonly #distribution: WeightedIndex;
  readonly #inFlight: InFlightEstimate;
  /** Each candidate's ramp relative to the highest one: the part of its keys that it has taken over. */
  readonly #ramps: Float64Array;
  readonly #draw: () => number;

  constructor(candidates: readonly C[], { ring, random, bound }: RingHashOptions) {
    const distribution = new WeightedIndex(effectiveWeights(candidates, 'static'));
    // If all candidates are new, there is no former instance to leave keys with.
    const highestRamp = candidates.reduce((most, candidate) => Math.max(most, rampOf(candidate)), 0);
    this.#candidates = candidates;
    this.#ring = ring;
    this.#bound = bound;
    this.#distribution = distribution;
    this.#inFlight = new InFlightEstimate(candidates);
    this.#ramps = Float64Array.from(candidates, (candidate) => rampOf(candidate) / highestRamp);
    this.#draw = () => distribution.at(random.next());
  }

  pick({ hashKey = '', tried }: PickCall<C>): C | undefined {
    this.#inFlight.refresh();
    const index = hashKey === '' ? drawUntried(this.#candidates, tried, this.#draw) : this.#walk(hashKey, tried);
    if (index === undefined) return undefined;
    this.#inFlight.onPick(index);
    return this.#candidates[index];
  }

  /** Follows the ring from the key's position to the first candidate that has room. */
  #walk(key: string, tried: readonly C[]): number | undefined {
    const hash = murmur3(key, KEY_SEED);
    const threshold = avalanche(hash ^ THRESHOLD_SALT) / 2 ** 32;
    const steps = Math.min(this.#ring.size, MAX_STEPS);
    const first = this.#ring.after(hash);
    let fallback: number | undefined;
    let leastOverload = Number.POSITIVE_INFINITY;
    for (let step = 0; step < steps; step += 1) {
      const index = this.#ring.owner((first + step) % this.#ring.size);
      const candidate = this.#candidates[index];
      if (candidate === undefined || (tried.length > 0 && tried.includes(candidate))) continue;
      const overload = this.#overload(candidate, index, threshold);
      if (overload === 0) return index;
      if (overload < leastOverload) [fallback, leastOverload] = [index, overload];
    }
    return fallback ?? nextUntried(this.#candidates, tried, this.#ring.owner(first));
  }

  /**
   * The overload of a candidate: 0 if it has room for the call. If none has room, the candidate with the least
   * overload takes the call.
   */
  #overload({ inFlight }: C, index: number, threshold: number): number {
    if (threshold >= (this.#ramps[index] ?? 1)) return Number.MAX_VALUE;
    const share = this.#distribution.share(index);
    const bound = Math.ceil(this.#bound * (this.#inFlight.total + 1) * share);
    return inFlight < bound ? 0 : inFlight / share;
  }
}

/** How many candidates' calls in flight are read at each pick. */
const READS_PER_PICK = 4;

/**
 * Estimates the calls in flight at all candidates of a picker. A picker sees calls begin but not end, so each pick
 * reads a few of the candidates again. A pick then costs the same for any number of candidates. With few candidates
 * the estimate is exact, and it always counts the calls that this picker has just picked.
 */
class InFlightEstimate {
  readonly #candidates: readonly Candidate[];
  readonly #seen: Float64Array;
  #total: number;
  #next = 0;

  constructor(candidates: readonly Candidate[]) {
    this.#candidates = candidates;
    this.#seen = Float64Array.from(candidates, ({ inFlight }) => inFlight);
    this.#total = this.#seen.reduce((sum, inFlight) => sum + inFlight, 0);
  }

  get total(): number {
    return this.#total;
  }

  /** Reads the next {@link READS_PER_PICK} candidates. */
  refresh(): void {
    for (let left = Math.min(READS_PER_PICK, this.#seen.length); left > 0; left -= 1) {
      this.#note(this.#next, this.#candidates[this.#next]?.inFlight ?? 0);
      this.#next = this.#next + 1 === this.#seen.length ? 0 : this.#next + 1;
    }
  }

  /** The candidate at `index` has been picked. */
  onPick(index: number): void {
    this.#note(index, (this.#candidates[index]?.inFlight ?? 0) + 1);
  }

  #note(index: number, inFlight: number): void {
    this.#total += inFlight - (this.#seen[index] ?? 0);
    this.#seen[index] = inFlight;
  }
}
