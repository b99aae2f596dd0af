import type { Clock, Timer } from '../clock/index.js';

/** Breaks off what says nothing in time. */
export class Watchdog {
  readonly #clock: Clock;
  readonly #breakOff: () => void;
  #timer: Timer | undefined;
  #complaint: string | undefined;

  constructor(clock: Clock, breakOff: () => void) {
    this.#clock = clock;
    this.#breakOff = breakOff;
  }

  /** Why it broke off; undefined where it didn't. */
  get complaint(): string | undefined {
    return this.#complaint;
  }

  /** Waits anew, for `withinMs`; `complaint` is why it then breaks off. */
  expect(withinMs: number, complaint = `no word within ${withinMs} ms`): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(withinMs, () => {
      this.#complaint = complaint;
      this.#breakOff();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
