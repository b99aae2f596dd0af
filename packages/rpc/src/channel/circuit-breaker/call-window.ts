const SLOTS = 20;

/** Counts the calls within a sliding window, and those of them that were bad, in 20 slots. */
export class CallWindow {
  calls = 0;
  bad = 0;
  /** The bad calls since the last good one. */
  badInRow = 0;
  readonly #slotMs: number;
  readonly #calls = new Array<number>(SLOTS).fill(0);
  readonly #bad = new Array<number>(SLOTS).fill(0);
  #slot = Number.NEGATIVE_INFINITY;

  constructor(windowMs: number) {
    this.#slotMs = windowMs / SLOTS;
  }

  /** Counts a call at `now`. */
  note(bad: boolean, now: number): void {
    this.#advance(now);
    const index = this.#slot % SLOTS;
    this.#calls[index] = (this.#calls[index] ?? 0) + 1;
    this.calls += 1;
    this.badInRow = bad ? this.badInRow + 1 : 0;
    if (!bad) return;
    this.#bad[index] = (this.#bad[index] ?? 0) + 1;
    this.bad += 1;
  }

  #advance(now: number): void {
    const slot = Math.floor(now / this.#slotMs);
    if (slot <= this.#slot) return;
    const from = Math.max(this.#slot + 1, slot - SLOTS + 1);
    for (let passed = from; passed <= slot; passed += 1) this.#forget(passed % SLOTS);
    this.#slot = slot;
    // After a window without a call, the row is as old as the rest.
    if (this.calls === 0) this.badInRow = 0;
  }

  #forget(index: number): void {
    this.calls -= this.#calls[index] ?? 0;
    this.bad -= this.#bad[index] ?? 0;
    this.#calls[index] = 0;
    this.#bad[index] = 0;
  }
}
