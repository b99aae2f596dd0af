import type { Clock, Timer } from '@rondo/rpc/clock';

/** The period after an empty start in which live instances register again. */
export class Warming {
  #timer: Timer | undefined;

  /** @param onEnd runs once when the period ends; never if `durationMs` is 0. */
  constructor(clock: Clock, durationMs: number, onEnd: () => void) {
    if (durationMs <= 0) return;
    this.#timer = clock.setTimer(durationMs, () => {
      this.#timer = undefined;
      onEnd();
    });
  }

  get active(): boolean {
    return this.#timer !== undefined;
  }

  /** Ends the period without calling `onEnd`. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
