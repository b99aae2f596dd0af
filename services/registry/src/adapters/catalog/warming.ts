import type { Clock, Timer } from '@rondo/rpc/clock';

/** The time after an empty start in which instances that are alive still come back. */
export class Warming {
  #timer: Timer | undefined;

  /** @param onEnd runs once, when it is over; never where `durationMs` is 0. */
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

  /** Ends it without a word. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
