/** How many calls there were, and how many of them failed by a fault of the server. */
export interface Tally {
  readonly calls: number;
  readonly faults: number;
}

/** How far back outcomes are remembered. Milliseconds. */
export const OUTLIER_WINDOW_MS = 10_000;
const SLOTS = 10;
const SLOT_MS = OUTLIER_WINDOW_MS / SLOTS;

/** Counts the calls of the last 10 s, a second at a time. */
export class OutcomeWindow implements Tally {
  calls = 0;
  faults = 0;
  readonly #calls = new Array<number>(SLOTS).fill(0);
  readonly #faults = new Array<number>(SLOTS).fill(0);
  #slot = Number.NEGATIVE_INFINITY;

  /** Counts a call that ended at `now`. */
  note(failed: boolean, now: number): void {
    this.roll(now);
    const index = this.#slot % SLOTS;
    this.#calls[index] = (this.#calls[index] ?? 0) + 1;
    this.calls += 1;
    if (!failed) return;
    this.#faults[index] = (this.#faults[index] ?? 0) + 1;
    this.faults += 1;
  }

  /** Forgets what is older than the window. */
  roll(now: number): void {
    const slot = Math.floor(now / SLOT_MS);
    if (slot <= this.#slot) return;
    if (slot - this.#slot >= SLOTS) this.clear();
    else for (let passed = this.#slot + 1; passed <= slot; passed += 1) this.#forget(passed % SLOTS);
    this.#slot = slot;
  }

  /** Forgets all of it. */
  clear(): void {
    this.calls = 0;
    this.faults = 0;
    this.#calls.fill(0);
    this.#faults.fill(0);
  }

  #forget(index: number): void {
    this.calls -= this.#calls[index] ?? 0;
    this.faults -= this.#faults[index] ?? 0;
    this.#calls[index] = 0;
    this.#faults[index] = 0;
  }
}
