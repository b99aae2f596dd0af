import type { Candidate } from './picker.js';

/** So many candidates are read again at each pick. */
const READ_AT_ONCE = 4;

/**
 * About how many calls are in flight over a list, for a picker, which hears of calls that begin, but not of their ends:
 * at each pick it reads a few of the candidates again. So it costs the same however many there are, is exact where there
 * are few, and is never less than what it is of the calls picked here.
 */
export class InFlight {
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
