import { systemWallClock, type WallClock } from '../clock/index.js';

/**
 * A wall clock that a test sets. It goes on from what it was set to, as time goes on for `base`; until it is set, it
 * shows the same.
 */
export class SettableWallClock implements WallClock {
  readonly #base: WallClock;
  #aheadMs = 0;

  /** @param base the machine's by default. */
  constructor(base: WallClock = systemWallClock) {
    this.#base = base;
  }

  now(): Date {
    return new Date(this.#base.now().getTime() + this.#aheadMs);
  }

  /** Sets it, as an operator, NTP or the end of a machine's sleep does. */
  set(time: Date): void {
    this.#aheadMs = time.getTime() - this.#base.now().getTime();
  }
}
