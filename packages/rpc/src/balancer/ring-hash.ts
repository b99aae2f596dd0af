import type { Random } from '../clock/index.js';
import { avalanche, murmur3 } from './murmur3.js';
import {
  type BalancingPolicy,
  type Candidate,
  drawUntried,
  nextUntried,
  type PickCall,
  type Picker,
} from './picker.js';
import { createRings, type Ring } from './ring.js';
import { rampOf, Shares, weigh } from './weights.js';

/** Nobody has more than this many times its share of the calls in flight, rounded up. */
const LOAD_BOUND = 1.25;
/** A walk past those who are full ends here, with the one who was least so. */
const MOST_STEPS = 128;
const KEY_SEED = 0;
/** Mixed into a key's hash for what is to have nothing to do with its place on the ring. */
const GATE_SALT = 0x67617465;

/**
 * Each key to the same instance, as long as that is there and isn't full: then to the next on the ring, and back once it
 * has room again (Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2016). A call without a
 * key goes anywhere.
 *
 * A newcomer takes its keys over one by one: each key has a point of the slow start at which it moves, and stays until
 * then with whom it was with before.
 */
export function ringHash(random: Random): BalancingPolicy {
  const ringOf = createRings();
  return { over: (candidates) => new RingHashPicker(candidates, { ring: ringOf(candidates), random }) };
}

class RingHashPicker<C extends Candidate> implements Picker<C> {
  readonly #candidates: readonly C[];
  readonly #ring: Ring;
  readonly #shares: Shares;
  readonly #inFlight: InFlight;
  /** How much of its keys each has taken over. */
  readonly #gates: Float64Array;
  readonly #draw: () => number;

  constructor(candidates: readonly C[], { ring, random }: { readonly ring: Ring; readonly random: Random }) {
    const shares = new Shares(weigh(candidates, 'static'));
    // Where all are new, they take over from nobody.
    const furthest = candidates.reduce((most, candidate) => Math.max(most, rampOf(candidate)), 0);
    this.#candidates = candidates;
    this.#ring = ring;
    this.#shares = shares;
    this.#inFlight = new InFlight(candidates);
    this.#gates = Float64Array.from(candidates, (candidate) => rampOf(candidate) / furthest);
    this.#draw = () => shares.at(random.next());
  }

  pick({ hashKey = '', tried }: PickCall<C>): C | undefined {
    this.#inFlight.refresh();
    const place = hashKey === '' ? drawUntried(this.#candidates, tried, this.#draw) : this.#walk(hashKey, tried);
    if (place === undefined) return undefined;
    this.#inFlight.onPick(place);
    return this.#candidates[place];
  }

  /** From the key's place on the ring to the first who takes it. */
  #walk(key: string, tried: readonly C[]): number | undefined {
    const hash = murmur3(key, KEY_SEED);
    const gate = avalanche(hash ^ GATE_SALT) / 2 ** 32;
    const steps = Math.min(this.#ring.size, MOST_STEPS);
    const first = this.#ring.after(hash);
    let spare: number | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (let step = 0; step < steps; step += 1) {
      const place = this.#ring.owner((first + step) % this.#ring.size);
      const candidate = this.#candidates[place];
      if (candidate === undefined || (tried.length > 0 && tried.includes(candidate))) continue;
      const fullness = this.#fullness(candidate, place, gate);
      if (fullness === 0) return place;
      if (fullness < least) [spare, least] = [place, fullness];
    }
    return spare ?? nextUntried(this.#candidates, tried, this.#ring.owner(first));
  }

  /** 0 for one who takes the call; of the others the lowest is to take it where nobody does. */
  #fullness({ inFlight }: C, place: number, gate: number): number {
    if (gate >= (this.#gates[place] ?? 1)) return Number.MAX_VALUE;
    const share = this.#shares.of(place);
    const room = Math.ceil(LOAD_BOUND * (this.#inFlight.total + 1) * share);
    return inFlight < room ? 0 : inFlight / share;
  }
}

/** So many candidates are read again at each pick. */
const READ_AT_ONCE = 4;

/**
 * About how many calls are in flight over a list, for a picker, which hears of calls that begin, but not of their ends:
 * at each pick it reads a few of the candidates again. So it costs the same however many there are, is exact where there
 * are few, and is never less than what it is of the calls picked here.
 */
class InFlight {
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

  /** Reads the next few again. */
  refresh(): void {
    for (let left = Math.min(READ_AT_ONCE, this.#seen.length); left > 0; left -= 1) {
      this.#note(this.#next, this.#candidates[this.#next]?.inFlight ?? 0);
      this.#next = this.#next + 1 === this.#seen.length ? 0 : this.#next + 1;
    }
  }

  /** The candidate at `place` has been picked. */
  onPick(place: number): void {
    this.#note(place, (this.#candidates[place]?.inFlight ?? 0) + 1);
  }

  #note(place: number, inFlight: number): void {
    this.#total += inFlight - (this.#seen[place] ?? 0);
    this.#seen[place] = inFlight;
  }
}
