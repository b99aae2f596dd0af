import type { Random } from '../../clock/index.js';

/** The bound of the first pause, which doubles with each that follows. Milliseconds. */
const FIRST_MS = 100;
const LONGEST_MS = 5_000;
/** More doublings make no difference. */
const MAX_DOUBLINGS = 16;

/** The pauses before a stream is begun again, in milliseconds: exponential, with full jitter. */
export class Pauses {
  readonly #random: Random;
  #breaks = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** What broke had stood for long: that was no failure of the kind that repeats itself. */
  reset(): void {
    this.#breaks = 0;
  }

  next(): number {
    const boundMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(this.#breaks, MAX_DOUBLINGS));
    this.#breaks += 1;
    return this.#random.next() * boundMs;
  }

  /** Where further tries are too many already. */
  longest(): number {
    return LONGEST_MS * (0.5 + this.#random.next() / 2);
  }
}
