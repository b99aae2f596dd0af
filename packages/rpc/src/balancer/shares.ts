/**
 * The line from 0 to 1, cut into a piece for each of a list's members, as long as its share. Finding whose piece holds
 * a point costs the same however many there are: a table says where in the list to begin (the "guide table" of Chen
 * and Asau, 1974), and from there it is one step on average.
 */
export class Shares {
  /** Whether all pieces are equal. */
  readonly even: boolean;
  readonly #size: number;
  /** Where each one's piece ends; empty where they are equal. */
  readonly #ends: Float64Array;
  /** For each of as many equal parts of the line, the first whose piece reaches into it. */
  readonly #guide: Uint32Array;

  /** @param weights are above 0; none of them is NaN or infinite. */
  constructor(weights: Float64Array) {
    this.#size = weights.length;
    this.even = weights.every((weight) => weight === weights[0]);
    this.#ends = this.even ? new Float64Array() : endsOf(weights);
    this.#guide = guideOf(this.#ends);
  }

  /** The share of the one at `index`. */
  of(index: number): number {
    return this.even ? 1 / this.#size : (this.#ends[index] ?? 1) - this.#startOf(index);
  }

  /** Whose piece holds `point`, which is at least 0 and below 1. */
  at(point: number): number {
    const cell = Math.floor(point * this.#size);
    if (this.even) return cell;
    const last = this.#size - 1;
    let index = this.#guide[cell] ?? last;
    while (index < last && (this.#ends[index] ?? 1) <= point) index += 1;
    return index;
  }

  /** The same where the piece of the one at `index` is taken out. There are others. */
  besides(index: number, point: number): number {
    if (this.even) {
      const other = Math.floor(point * (this.#size - 1));
      return other < index ? other : other + 1;
    }
    const share = this.of(index);
    const left = point * (1 - share);
    const found = this.at(left < this.#startOf(index) ? left : left + share);
    // The sum may miss the end of the piece by its last digit.
    return found === index ? (index + 1) % this.#size : found;
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0);
  }
}

function endsOf(weights: Float64Array): Float64Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let end = 0;
  return weights.map((weight) => {
    end += weight / total;
    return end;
  });
}

function guideOf(ends: Float64Array): Uint32Array {
  let index = 0;
  return Uint32Array.from(ends, (_, cell) => {
    while (index < ends.length - 1 && (ends[index] ?? 1) <= cell / ends.length) index += 1;
    return index;
  });
}
